import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { failure } from "../testing/samples";
import DeepLink from "./DeepLink.svelte";

const press = async (name: string) => fireEvent.click(await screen.findByRole("button", { name }));

test("a link works once one has come back, and not before", async () => {
  const backend = new FakeBackend();
  render(DeepLink, { backend });
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("Opens Keybearer"));
  expect(screen.queryByRole("button", { name: "Make Keybearer the handler" })).toBeNull();
  await press("Test the app link");
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("Works"));

  // What worked once says nothing of the next time.
  backend.failures = { testLinks: failure("timeout", "link_lost") };
  await press("Test the app link");
  expect((await screen.findByRole("alert")).textContent).toContain("The link didn’t come back here");
  expect(screen.getByRole("status").textContent).not.toContain("Works");
});

test("where another app opens the links, Keybearer can be made the one that does", async () => {
  const backend = new FakeBackend();
  backend.linksGoTo = "other";
  render(DeepLink, { backend });
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("Another app opens these links"));
  await press("Make Keybearer the handler");
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("Opens Keybearer"));
  expect(screen.queryByRole("button", { name: "Make Keybearer the handler" })).toBeNull();
});
