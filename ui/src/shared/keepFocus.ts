/** Where what had the focus leaves the page, or comes back to life, the keyboard goes on there and not from nowhere. */
export function keepFocus(root: HTMLElement): () => void {
  let last: HTMLElement | null = null;

  function onfocusin({ target }: FocusEvent) {
    last = target instanceof HTMLElement ? target : null;
  }
  // Whoever presses beside everything wants the focus nowhere.
  function onpointerdown() {
    last = null;
  }
  const observer = new MutationObserver(() => {
    if (last === null || document.activeElement !== document.body) return;
    if (!last.isConnected) root.querySelector<HTMLElement>("main")?.focus();
    else if (!last.matches(":disabled")) last.focus();
  });

  root.addEventListener("focusin", onfocusin);
  root.addEventListener("pointerdown", onpointerdown);
  observer.observe(root, { childList: true, subtree: true, attributeFilter: ["disabled"] });
  return () => {
    root.removeEventListener("focusin", onfocusin);
    root.removeEventListener("pointerdown", onpointerdown);
    observer.disconnect();
  };
}
