/** Up to this length a loop costs less than a call that leaves compiled code. */
const SHORT = 64;

/** Writes latin1 text into `out`; where it ends. */
export function putText(out: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > SHORT) return at + out.write(text, at, length, 'latin1');
  for (let index = 0; index < length; index++) out[at + index] = text.charCodeAt(index);
  return at + length;
}
