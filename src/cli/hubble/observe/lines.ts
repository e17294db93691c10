import type { Readable } from 'node:stream';

/** A line and its number from 1; `latin1` is the cheap way to look into it, and `text` decodes it as UTF-8. */
export interface Line {
  readonly number: number;
  readonly latin1: string;
  readonly text: () => string;
}

/** Bytes of the longest line; one that is longer comes without its rest. */
const longestLine = 4 * 1024 * 1024;

/** Splits a stream of bytes into its lines, several at a time: those of a piece that was read. Empty lines are left out. */
export async function* linesOf(input: Readable): AsyncGenerator<readonly Line[]> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  for await (const piece of input) {
    const bytes = typeof piece === 'string' ? Buffer.from(piece) : (piece as Buffer);
    const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const lines: Line[] = [];
    let start = 0;
    for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline, start)) {
      addLine(lines, all, start, end, ++number);
      start = end + 1;
    }
    rest = all.subarray(start).length > longestLine ? all.subarray(start, start + longestLine) : all.subarray(start);
    if (lines.length > 0) yield lines;
  }
  const last: Line[] = [];
  addLine(last, rest, 0, rest.length, number + 1);
  if (last.length > 0) yield last;
}

const newline = 10;
const carriageReturn = 13;

function addLine(lines: Line[], bytes: Buffer, start: number, newlineAt: number, number: number): void {
  const end = bytes[newlineAt - 1] === carriageReturn ? newlineAt - 1 : newlineAt;
  if (end <= start) return;
  lines.push({ number, latin1: bytes.toString('latin1', start, end), text: () => bytes.toString('utf8', start, end) });
}
