import { render, screen } from "@testing-library/svelte";
import { expect, test } from "vitest";
import { FakeBackend } from "../testing/fakeBackend";
import { grant } from "../testing/samples";
import { Undoing } from "../undo/undoing.svelte";
import ProgramsPage from "./ProgramsPage.svelte";

test("what the answers mean is said once, above the accounts", async () => {
  const backend = new FakeBackend();
  backend.programs = [grant(), grant({ grant: "g2", profile: "notion" })];
  render(ProgramsPage, { backend, undoing: new Undoing(), onclose: () => undefined });
  expect(await screen.findByRole("region", { name: "notion" })).toBeTruthy();
  expect(screen.getAllByText(/without asking\. Any other program asks first\./)).toHaveLength(1);
});
