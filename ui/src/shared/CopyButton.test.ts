import { fireEvent, render, screen } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { failure } from "../testing/samples";
import CopyButton from "./CopyButton.svelte";

test("it says whether the text was copied", async () => {
  const backend = new FakeBackend();
  render(CopyButton, { backend, text: "abc", label: "Copy address" });
  const button = screen.getByRole("button", { name: "Copy address" });
  await fireEvent.click(button);
  expect(await screen.findByText("Copied")).toBeTruthy();
  backend.failures = { copyText: failure("internal_error") };
  await fireEvent.click(button);
  expect(await screen.findByText("Couldn’t be copied")).toBeTruthy();
});
