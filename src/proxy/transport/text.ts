/** What buffers of Node have besides their documented methods: without the choice of an encoding a call costs half as much. */
interface Latin1Bytes {
  latin1Write(text: string, at: number, length: number): number;
  latin1Slice(from: number, to: number): string;
}

/** Up to this length a loop costs less than a call that leaves compiled code. */
const SHORT = 8;

/** Writes latin1 text into `out`; where it ends. */
export function putText(out: Buffer, at: number, text: string): number {
  const { length } = text;
  if (length > SHORT) return at + (out as unknown as Latin1Bytes).latin1Write(text, at, length);
  for (let index = 0; index < length; index++) out[at + index] = text.charCodeAt(index);
  return at + length;
}

/** The latin1 text of the bytes from `from` to `to`. */
export function textIn(bytes: Buffer, from: number, to: number): string {
  return (bytes as unknown as Latin1Bytes).latin1Slice(from, to);
}
