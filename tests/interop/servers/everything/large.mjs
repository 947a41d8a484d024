// A text of more than 50 MB, with much in it that is written otherwise in JSON, and characters of several bytes.
const LINE = 'Caf\u00e9 "au lait" \\ 0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\t/\n';
const BYTES = 50_000_000;

export const large = () => LINE.repeat(Math.ceil(BYTES / Buffer.byteLength(LINE)));
