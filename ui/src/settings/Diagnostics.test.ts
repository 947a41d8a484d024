import { fireEvent, render, screen, waitFor, within } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { failure } from "../testing/samples";
import Diagnostics from "./Diagnostics.svelte";

async function begin(backend = new FakeBackend()) {
  render(Diagnostics, { backend });
  await fireEvent.click(screen.getByRole("button", { name: "Create bundle…" }));
  return { backend, dialog: within(screen.getByRole("dialog")) };
}

test("every file is seen before one is saved, and then it says where", async () => {
  const { backend, dialog } = await begin();
  const save = dialog.getByRole<HTMLButtonElement>("button", { name: "Save…" });
  expect(await dialog.findByText("about.txt")).toBeTruthy();
  expect(dialog.getByText(/linear-work/)).toBeTruthy();
  await fireEvent.click(save);
  expect(await screen.findByText(/accounts\.json/)).toBeTruthy();
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(backend.asked).toEqual([["collectDiagnostics", true], ["saveDiagnostics"]]);
});

test("names stay out if the person wants, and what is shown is collected anew", async () => {
  const { backend, dialog } = await begin();
  await fireEvent.click(await dialog.findByRole("switch", { name: "With the names of accounts and servers" }));
  expect(await dialog.findByText(/account-1/)).toBeTruthy();
  expect(dialog.queryByText(/linear-work/)).toBeNull();
  expect(backend.asked.at(-1)).toEqual(["collectDiagnostics", false]);
});

test("whoever leaves the system's dialog still sees the files, and a failure says why", async () => {
  const backend = new FakeBackend();
  backend.chosenFile = null;
  const { dialog } = await begin(backend);
  await dialog.findByText("about.txt");
  await fireEvent.click(dialog.getByRole("button", { name: "Save…" }));
  await waitFor(() => expect(backend.asked.at(-1)).toEqual(["saveDiagnostics"]));
  expect(dialog.getByText("about.txt")).toBeTruthy();
  backend.failures = { saveDiagnostics: failure("storage_full") };
  await fireEvent.click(dialog.getByRole("button", { name: "Save…" }));
  expect(await dialog.findByRole("alert")).toBeTruthy();
});
