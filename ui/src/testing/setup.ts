// jsdom draws nothing: what browsers have for that is filled in as far as the page calls it.

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};
globalThis.CSS ??= { escape: (text: string) => text } as typeof CSS;
URL.parse ??= (text: string) => (URL.canParse(text) ? new URL(text) : null);
