import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure } from "../testing/samples";
import { draftOf } from "./draft";
import AddPage from "./AddPage.svelte";

function show(details = false, draft = draftOf("")) {
  const backend = new FakeBackend();
  const accounts = [account()];
  const calls = { onadded: vi.fn(), onaccount: vi.fn() };
  render(AddPage, { backend, accounts, draft, start: false, details, ...calls });
  return { backend, ...calls };
}

const type = (name: string, value: string) => fireEvent.input(screen.getByLabelText(name), { target: { value } });
const click = (name: string) => fireEvent.click(screen.getByRole("button", { name }));

test("an address is enough", async () => {
  const { backend, onadded } = show();
  await type("Server address", "https://mcp.notion.com/mcp");
  await click("Continue");
  expect(backend.asked).toEqual([
    [
      "addAccount",
      {
        url: "https://mcp.notion.com/mcp",
        name: null,
        auth: "auto",
        client_id: null,
        scopes: [],
        header: null,
        username: null,
        secret: null,
      },
    ],
  ]);
  await waitFor(() => expect(onadded).toHaveBeenCalledWith("mcp.notion.com", "sign_in", expect.anything()));
});

test("a text without an address is not sent, and said to have none", async () => {
  const { backend } = show();
  await type("Server address", "npx something");
  await click("Continue");
  expect(backend.asked).toEqual([]);
  expect(screen.getByText("There is no address of a remote server in this.")).toBeTruthy();
});

test("a key is needed for a header, is sent once, and leaves the page", async () => {
  const { backend, onadded } = show(true);
  await type("Server address", "https://api.example.com/mcp");
  await fireEvent.click(screen.getByRole("radio", { name: "API key in a header" }));
  await click("Save and test");
  expect(backend.asked).toEqual([]);
  expect(screen.getByText("This is needed.")).toBeTruthy();

  await type("Key", "k3y");
  await click("Save and test");
  expect(backend.asked[0]?.[1]).toMatchObject({ auth: "header", header: "X-API-Key", secret: "k3y" });
  expect(screen.getByLabelText<HTMLInputElement>("Key").value).toBe("");
  await waitFor(() => expect(onadded).toHaveBeenCalledWith("api.example.com", "test", expect.anything()));
});

test("a name that is taken leads to that account, or to another name", async () => {
  const { backend, onaccount } = show();
  backend.failures = { addAccount: failure("profile_exists") };
  await type("Server address", '{"mcpServers":{"linear-work":{"url":"https://mcp.linear.app/mcp"}}}');
  await click("Continue");
  expect((await screen.findByRole("alert")).textContent).toContain("There is an account of this name already.");
  await click("Show that account");
  expect(onaccount).toHaveBeenCalledWith("linear-work");
  await click("Choose another name");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Name")));
});

test("with start it is added once, whatever changes afterwards", async () => {
  const backend = new FakeBackend();
  const where = { backend, draft: draftOf("https://mcp.notion.com/mcp"), start: true, details: false };
  const { rerender } = render(AddPage, { ...where, accounts: [], onadded: vi.fn(), onaccount: vi.fn() });
  for (const profile of ["a", "b"]) await rerender({ accounts: [account({ profile })] });
  await type("Server address", "https://other.example/mcp");
  expect(backend.asked.map(([method]) => method)).toEqual(["addAccount"]);
});

const SECRET = "s3cret";
const snippets: [string, string, string][] = [
  [
    `claude mcp add -t http -H "Authorization: Bearer ${SECRET}" work https://x.example/mcp`,
    "Bearer token",
    "Authorization",
  ],
  [`claude mcp add --header="X-Key: ${SECRET}" work https://x.example/mcp`, "API key in a header", "X-Key"],
  [
    `{"work":{"url":"https://x.example/mcp","headers":{"Authorization":"Bearer ${SECRET}"}}}`,
    "Bearer token",
    "Authorization",
  ],
];

test.each(snippets)(
  "of %s a key is left out at once, and asked for where it belongs",
  async (snippet, method, header) => {
    const paste = (field: HTMLElement) => fireEvent.paste(field, { clipboardData: { getData: () => snippet } });
    const leave = async (field: HTMLElement) => {
      await fireEvent.input(field, { target: { value: snippet } });
      await fireEvent.blur(field);
    };
    const submit = async (field: HTMLInputElement) => {
      await fireEvent.input(field, { target: { value: snippet } });
      await fireEvent.submit(field.form as HTMLFormElement);
    };
    for (const way of [paste, leave, submit]) {
      const { backend } = show();
      const field = screen.getByRole<HTMLInputElement>("textbox", { name: "Server address" });
      await way(field);
      expect(field.value).toBe("https://x.example/mcp");
      expect(screen.getByLabelText<HTMLInputElement>("Name").value).toBe("work");
      expect(screen.getByRole<HTMLInputElement>("radio", { name: method }).checked).toBe(true);
      expect(screen.getByText(`The header “${header}” was left out.`)).toBeTruthy();
      expect(document.body.innerHTML).not.toContain(SECRET);
      expect(backend.asked).toEqual([]);
      cleanup();
    }
  },
);

test("what is to be corrected is all there again, but the key", async () => {
  const { onadded } = show(true);
  await type("Server address", "https://api.example.com/mcp");
  await type("Name", "api");
  await fireEvent.click(screen.getByRole("radio", { name: "API key in a header" }));
  await type("Header name", "X-Token");
  await type("Key", SECRET);
  await click("Save and test");
  await waitFor(() => expect(onadded).toHaveBeenCalledOnce());
  const draft = onadded.mock.calls[0]?.[2];
  expect(JSON.stringify(draft)).not.toContain(SECRET);
  cleanup();

  show(false, draft);
  const value = (name: string) => screen.getByLabelText<HTMLInputElement>(name).value;
  expect(["Server address", "Name", "Header name", "Key"].map(value)).toEqual([
    "https://api.example.com/mcp",
    "api",
    "X-Token",
    "",
  ]);
});
