import type { LogOptions } from '../runtime.ts';

export type LogStream = 'stdout' | 'stderr';

/** One record of a container log: a full line (`F`) or a piece of one (`P`). `time` is in milliseconds since 1970. */
export function formatLine(time: number, stream: LogStream, full: boolean, text: Buffer): Buffer {
  const stamp = new Date(time).toISOString().replace('Z', '000000Z');
  return Buffer.concat([Buffer.from(`${stamp} ${stream} ${full ? 'F' : 'P'} `), text, Buffer.from('\n')]);
}

/** Cuts output into lines; a line longer than `max` bytes becomes pieces. `rest` is the unfinished end. */
export function splitLines(bytes: Buffer, max: number): { pieces: { text: Buffer; full: boolean }[]; rest: Buffer } {
  const pieces: { text: Buffer; full: boolean }[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const end = newline < 0 ? bytes.length : newline;
    if (end - start > max) {
      pieces.push({ text: bytes.subarray(start, start + max), full: false });
      start += max;
      continue;
    }
    if (newline < 0) break;
    pieces.push({ text: bytes.subarray(start, end), full: true });
    start = end + 1;
  }
  return { pieces, rest: Buffer.from(bytes.subarray(start)) };
}

/**
 * The text that a log request gets of these records, in chunks: the last `tailLines` lines, not older than `sinceSeconds` before `now`,
 * with their times in front when asked for.
 */
export function selectLines(
  records: Buffer,
  options: Pick<LogOptions, 'tailLines' | 'sinceSeconds' | 'timestamps'>,
  now: number,
): Buffer[] {
  const since = options.sinceSeconds === undefined ? undefined : now - options.sinceSeconds * 1000;
  const lines: Buffer[] = [];
  let open: Buffer[] = [];
  for (let start = 0; start < records.length; ) {
    const end = records.indexOf(10, start);
    if (end < 0) break;
    const record = parseRecord(records.subarray(start, end + 1));
    start = end + 1;
    if (!record || (since !== undefined && Date.parse(record.time) < since)) continue;
    if (options.timestamps && open.length === 0) open.push(Buffer.from(`${record.time} `));
    open.push(record.full ? record.text : record.text.subarray(0, -1));
    if (!record.full) continue;
    lines.push(Buffer.concat(open));
    open = [];
  }
  if (open.length > 0) lines.push(Buffer.concat(open));
  return options.tailLines === undefined ? lines : options.tailLines === 0 ? [] : lines.slice(-options.tailLines);
}

/** `text` keeps its newline. */
function parseRecord(record: Buffer): { time: string; full: boolean; text: Buffer } | undefined {
  const first = record.indexOf(32);
  const second = record.indexOf(32, first + 1);
  const third = record.indexOf(32, second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  return {
    time: record.toString('latin1', 0, first),
    full: record[second + 1] === 70,
    text: record.subarray(third + 1),
  };
}
