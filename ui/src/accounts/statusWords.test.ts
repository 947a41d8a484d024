import { expect, test } from "vitest";
import type { AccountStatus, AccountView } from "../backend";
import { en } from "../texts/en";
import { zhCN } from "../texts/zh-CN";
import { account, NOW } from "../testing/samples";
import { needsUser, shownOf, statusWords } from "./statusWords";

function words(status: AccountStatus, expires_at: string | null): string {
  return statusWords(account({ status, expires_at }), NOW, en, "en");
}

test("a connected account says how long its token lasts, rounded down", () => {
  expect(words("connected", "2026-11-22T15:27:59Z")).toBe("Connected · 42 min left");
  expect(words("connected", "2026-11-22T20:59:00Z")).toBe("Connected · 6 h left");
});

test("from a day on a date stands in place of the time left", () => {
  expect(words("connected", "2026-11-25T14:45:00Z")).toBe("Connected · until Nov 25");
  expect(words("expiring", "2026-11-25T14:45:00Z")).toBe("Expires on Nov 25");
});

test("no time is promised where none is known, in the last minute, after the end, or for what is no date", () => {
  for (const end of [null, "2026-11-22T14:45:59Z", "2026-11-22T14:00:00Z", "soon"]) {
    expect(words("connected", end)).toBe("Connected");
  }
  expect(words("expiring", null)).toBe("Expiring");
});

test("an account that is neither connected nor expiring says its state alone", () => {
  expect(words("needs_sign_in", "2026-11-22T15:27:00Z")).toBe("Needs sign-in");
  expect(words("unreachable", "2026-11-22T15:27:00Z")).toBe("Can’t reach server");
});

test("without a network, what waits for it alone is offline, and what needs the user still says so", () => {
  const left = { expires_at: "2026-11-22T15:27:59Z" };
  const shown = (one: AccountView) => statusWords(one, NOW, en, "en", shownOf(one, true));
  expect(shown(account(left))).toBe("Offline · 42 min left");
  expect(shown(account({ auth: "bearer" }))).toBe("Offline · key doesn’t expire");
  expect(shown(account({ status: "unreachable" }))).toBe("Offline");
  expect(shown(account({ status: "needs_sign_in" }))).toBe("Needs sign-in");
  for (const host of ["127.0.0.1:4747", "localhost", "[::1]:80"]) {
    expect(shown(account({ ...left, server_url: `http://${host}/mcp` }))).toBe("Connected · 42 min left");
  }
});

test("a server that can’t be reached says for how long, from a minute on", () => {
  const since = (unreachable_since: string) =>
    statusWords(account({ status: "unreachable", unreachable_since }), NOW, en, "en");
  expect(since("2026-11-22T14:38:30Z")).toBe("Can’t reach server · 6 min");
  expect(since("2026-11-22T14:44:30Z")).toBe("Can’t reach server");
});

test("an open sign-in says what it waits for", () => {
  const open = account({ status: "signing_in" });
  expect(statusWords(open, NOW, en, "en", "signing_in", "waiting_for_browser")).toBe("Waiting for browser");
  expect(statusWords(open, NOW, en, "en", "signing_in", "finishing")).toBe("Getting tokens");
  expect(statusWords(open, NOW, en, "en", "signing_in", "preparing")).toBe("Signing in");
});

test("every state says itself in both languages", () => {
  const inMinutes = (minutes: number) => new Date(NOW + minutes * 60_000).toISOString();
  const rows: [Partial<AccountView>, string, string][] = [
    [{ expires_at: inMinutes(42) }, "Connected · 42 min left", "已连接 · 剩 42 分钟"],
    [{ auth: "bearer", expires_at: null }, "Connected · key doesn’t expire", "已连接 · 密钥不过期"],
    [{ status: "expiring", expires_at: inMinutes(9) }, "Expires in 9 min", "9 分钟后过期"],
    [{ status: "needs_sign_in" }, "Needs sign-in", "需要登录"],
    [{ status: "needs_more_access" }, "Asks for more scopes", "请求更多权限"],
    [
      { status: "unreachable", unreachable_since: inMinutes(-6) },
      "Can’t reach server · 6 min",
      "无法连接服务器 · 6 分钟",
    ],
    [{ status: "no_sign_in" }, "No sign-in needed", "无需登录"],
    [{ status: "locked" }, "Locked", "已锁定"],
  ];
  for (const [different, english, chinese] of rows) {
    const one = account(different);
    expect([statusWords(one, NOW, en, "en"), statusWords(one, NOW, zhCN, "zh-CN")]).toEqual([english, chinese]);
  }
  const open = account({ status: "signing_in" });
  expect(statusWords(open, NOW, zhCN, "zh-CN", "signing_in", "waiting_for_browser")).toBe("等待浏览器");
  expect(statusWords(open, NOW, zhCN, "zh-CN", "signing_in", "finishing")).toBe("正在获取令牌");
  expect(statusWords(account({ expires_at: inMinutes(42) }), NOW, zhCN, "zh-CN", "offline")).toBe("离线 · 剩 42 分钟");
});

test("Chinese keeps a space between characters and digits", () => {
  const expiring = account({ status: "expiring", expires_at: "2026-11-22T14:54:00Z" });
  expect(statusWords(expiring, NOW, zhCN, "zh-CN")).toBe("9 分钟后过期");
});

test("a locked or unreachable account doesn’t need the user, an expiring one does", () => {
  expect(needsUser("locked")).toBe(false);
  expect(needsUser("unreachable")).toBe(false);
  expect(needsUser("expiring")).toBe(true);
  expect(needsUser("needs_more_access")).toBe(true);
});
