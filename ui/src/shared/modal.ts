/** Shows a dialog over the window; the browser keeps the focus in it and closes it on Esc. Its opener has the focus after it. */
export function modal(dialog: HTMLDialogElement): () => void {
  const opener = document.activeElement;
  dialog.showModal();
  return () => {
    dialog.close();
    // The dialog is out of the page by now, too late for the browser to give the focus back.
    if (opener instanceof HTMLElement) opener.focus();
  };
}
