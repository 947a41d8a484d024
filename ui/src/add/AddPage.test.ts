import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test, vi } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { account, failure } from "../testing/samples";
import AddPage from "./AddPage.svelte";

function show(details = false) {
  const backend = new FakeBackend();
  const accounts = [account()];
  const calls = { onadded: vi.fn(), onaccount: vi.fn() };
  render(AddPage, { backend, accounts, address: "", start: false, details, ...calls });
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
  await waitFor(() => expect(onadded).toHaveBeenCalledWith("mcp.notion.com", "sign_in"));
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
  await waitFor(() => expect(onadded).toHaveBeenCalledWith("api.example.com", "test"));
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
