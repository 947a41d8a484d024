import type { AccountAction } from "../account/actions";
import { isFixedKey, statusWords } from "../accounts/statusWords";
import type { AccountView } from "../backend";
import { shellWord } from "../clients/standing";
import { keysOf, written, type Command } from "../keyboard";
import { hostOf } from "../shared/host";
import type { IconName } from "../shared/icons";
import type { Texts } from "../texts/en";
import type { Locale } from "../texts/texts.svelte";

/** What an entry does; the window does it. */
export type Deed =
  | { do: "open"; profile: string }
  | { do: "sign_in"; profile: string }
  | { do: "account"; profile: string; action: AccountAction }
  | { do: "another"; url: string }
  | { do: "command"; command: Command }
  | { do: "pause"; minutes: number | null }
  | { do: "resume" }
  | { do: "import" }
  | { do: "all_activity" };

export interface Entry {
  id: string;
  icon: IconName;
  text: string;
  /** Said beside it: a state, a command line, a key. */
  end?: string;
  keys?: string;
  deed: Deed;
}

/** Entries under one heading: those of an account, or of the whole window. */
export interface Group {
  heading: string;
  entries: Entry[];
}

/** What the palette is told of the window. */
export interface Situation {
  accounts: AccountView[];
  paused: boolean;
  now: number;
  texts: Texts;
  locale: Locale;
}

/** Of how many accounts with a name that fits all actions are shown; of more, only the way to their page. */
const FEW = 3;

/** What fits the words of the search. Without any: each account, and what concerns them all. */
export function groupsFor(search: string, situation: Situation): Group[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text: string) => words.every((word) => text.toLocaleLowerCase().includes(word));
  const { accounts, texts } = situation;

  const meant = accounts.filter((account) => fits(nameOf(account)));
  const groups = accounts.flatMap((account) => {
    const [show, ...rest] = accountEntries(account, situation);
    const all = meant.includes(account)
      ? words.length > 0 && meant.length <= FEW
        ? orderOf(account, show, rest)
        : [show]
      : rest.filter(({ text }) => fits(`${text} ${nameOf(account)}`));
    return all.length > 0 ? [{ heading: account.profile, entries: all }] : [];
  });
  const commands = commandEntries(situation).filter(({ text }) => fits(text));
  const named = words.length === 0 ? [merged(texts.accounts.title, groups)] : groups;
  return [...named, { heading: texts.palette.commands, entries: commands }].filter(({ entries }) => entries.length > 0);
}

/** What can be done with one account, as far as it fits the words of the search. */
export function actionsOf(profile: string, search: string, situation: Situation): Group[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const account = situation.accounts.find((one) => one.profile === profile);
  if (!account) return [];
  const [show, ...rest] = accountEntries(account, situation);
  const entries = orderOf(account, show, rest).filter(({ text }) =>
    words.every((word) => text.toLocaleLowerCase().includes(word)),
  );
  return entries.length > 0 ? [{ heading: situation.texts.palette.actionsOf(profile), entries }] : [];
}

/** The account that an entry is about, if it is about one. */
export function profileIn({ deed }: Entry): string | null {
  return "profile" in deed ? deed.profile : null;
}

function merged(heading: string, groups: Group[]): Group {
  return { heading, entries: groups.flatMap(({ entries }) => entries) };
}

function nameOf({ profile, label, server_url }: AccountView): string {
  return `${profile} ${label} ${server_url}`;
}

/** What is asked of the user comes first, and else the page. */
function orderOf({ status }: AccountView, show: Entry, [first, ...rest]: Entry[]): Entry[] {
  const isAsked = status === "needs_sign_in" || status === "expiring" || status === "needs_more_access";
  return isAsked && first ? [first, show, ...rest] : [show, ...(first ? [first] : []), ...rest];
}

function accountEntries(account: AccountView, { now, texts, locale }: Situation): [Entry, ...Entry[]] {
  const { profile, server_url, status } = account;
  const words = texts.palette;
  const act = (action: AccountAction, icon: IconName, text: string, end?: string): Entry => ({
    id: `${profile} ${action}`,
    icon,
    text,
    ...(end === undefined ? {} : { end }),
    deed: { do: "account", profile, action },
  });
  const signIn = (text: string): Entry => ({
    id: `${profile} sign_in`,
    icon: "warning",
    text,
    deed: { do: "sign_in", profile },
  });
  const show: Entry = {
    id: `${profile} show`,
    icon: "right",
    text: status === "signing_in" ? words.showSignIn(profile) : words.show(profile),
    end: statusWords(account, now, texts, locale),
    deed: { do: "open", profile },
  };
  const fixed = isFixedKey(account);
  return [
    show,
    ...(fixed || status !== "needs_sign_in" ? [] : [signIn(words.signInAgain(profile))]),
    ...(fixed || status !== "expiring" ? [] : [signIn(words.signInNow(profile))]),
    ...(status !== "needs_more_access" ? [] : [signIn(words.reviewScopes(profile))]),
    act("copy_command", "terminal", words.copyCommand(profile), `keybearer token ${shellWord(profile)}`),
    act("test", "connected", words.test(profile)),
    ...(fixed || status === "no_sign_in" ? [] : [act("refresh", "refresh", words.refresh(profile))]),
    act("use", "plug", words.use(profile)),
    act("programs", "shield", words.programs(profile)),
    act("activity", "activity", words.activity(profile)),
    ...(status === "connected" && !fixed ? [act("copy_token", "copy", words.copyToken(profile))] : []),
    {
      id: `${profile} another`,
      icon: "plus",
      text: words.another(hostOf(server_url)),
      deed: { do: "another", url: server_url },
    },
    ...(fixed || status === "no_sign_in" ? [] : [act("sign_out", "dash", words.signOut(profile))]),
    act("remove", "cross", words.remove(profile)),
  ];
}

function commandEntries({ paused, texts }: Situation): Entry[] {
  const words = texts.palette;
  const command = (name: Command, icon: IconName, text: string): Entry => ({
    id: name,
    icon,
    text,
    keys: written(keysOf[name][0]),
    deed: { do: "command", command: name },
  });
  const pause = (minutes: number | null, text: string): Entry => ({
    id: `pause ${minutes}`,
    icon: "paused",
    text,
    deed: { do: "pause", minutes },
  });
  return [
    command("add", "plus", words.add),
    { id: "import", icon: "server", text: words.import, deed: { do: "import" } },
    { id: "all_activity", icon: "activity", text: words.all, deed: { do: "all_activity" } },
    ...(paused
      ? [{ id: "resume", icon: "plug" as const, text: texts.pause.resume, deed: { do: "resume" as const } }]
      : [pause(15, texts.pause.minutes15), pause(60, texts.pause.hour), pause(null, texts.pause.untilResumed)]),
    command("lock", "lock", words.lock),
    command("settings", "gear", words.settings),
    command("keys", "keyboard", words.keys),
  ];
}
