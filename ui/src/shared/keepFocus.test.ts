import { afterEach, expect, test, vi } from "vitest";
import { keepFocus } from "./keepFocus";

function show() {
  document.body.innerHTML = '<div><main tabindex="-1"><button>Test</button><p>Text</p></main></div>';
  const root = document.querySelector("div") as HTMLElement;
  stop = keepFocus(root);
  const button = document.querySelector("button") as HTMLButtonElement;
  button.focus();
  return button;
}

let stop = () => {};
afterEach(() => {
  stop();
  document.body.innerHTML = "";
});

const focused = (element: Element | null) => vi.waitFor(() => expect(document.activeElement).toBe(element));

test("the focus goes to the page when its button leaves", async () => {
  show().remove();
  await focused(document.querySelector("main"));
});

test("a button that was switched off has the focus again when it is back", async () => {
  const button = show();
  // Browsers take the focus from it by themselves.
  button.blur();
  button.disabled = true;
  await focused(document.body);
  button.disabled = false;
  await focused(button);
});

test("whoever pressed beside everything has no focus forced on", async () => {
  const button = show();
  document.querySelector("p")?.dispatchEvent(new Event("pointerdown", { bubbles: true }));
  button.blur();
  button.remove();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(document.activeElement).toBe(document.body);
});
