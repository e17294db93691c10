import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Filters } from '../../../hubble/index.ts';
import { compileSelection, compileTextHint, type TextHint } from '../../../hubble/index.ts';
import {
  type GetFlowsResponse,
  readJson,
  timestampNs,
  toNumber,
  type WireTimestamp,
} from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';
import { type Line, linesOf } from './lines.ts';
import type { Selectors } from './options.ts';

const mostLast = 1_000_000;

/** A message that has a time, of a file with one in each line. */
interface Timed {
  readonly time?: WireTimestamp | null;
}

interface Recording<T extends Timed> {
  /** What each line is. */
  readonly type: string;
  readonly wanted: (response: T) => boolean;
  /** Answers without decoding a line that it cannot match. */
  readonly mayMatch?: TextHint | undefined;
}

/** Reads recorded responses, one jsonpb GetFlowsResponse a line, and applies the filters and `selectors` to them, see `readRecords`. */
export async function* readInputFile(
  source: string | Readable,
  filters: Filters,
  selectors: Selectors,
  warn: (text: string) => void,
): AsyncGenerator<GetFlowsResponse> {
  const selection = compileSelection(filters.whitelist, filters.blacklist);
  if (!selection.ok) throw new Fault(selection.error);
  const recording = {
    type: 'observer.GetFlowsResponse',
    wanted: ({ flow }: GetFlowsResponse): boolean => selection.value(flow ?? {}),
    mayMatch: compileTextHint(filters.whitelist),
  };
  yield* readRecords(source, recording, selectors, warn);
}

/**
 * Reads recorded messages, one a line, in the order of the file, and applies times, `--first` and `--last` to those that are wanted. Lines that
 * are not such a message are told through `warn` and skipped, but for those that cannot match whatever they are.
 */
export async function* readRecords<T extends Timed>(
  source: string | Readable,
  recording: Recording<T>,
  selectors: Selectors,
  warn: (text: string) => void,
): AsyncGenerator<T> {
  const number = toNumber(selectors.number);
  const last = !selectors.first && number > 0 ? number : undefined;
  if (last !== undefined && last > mostLast && String(selectors.number).length < 20) {
    throw new Fault(`--last must be <= 1_000_000, got ${last}`);
  }
  const keep = last !== undefined && last <= mostLast ? last : undefined;
  const kept: T[] = [];
  let given = 0;
  for await (const read of responses(source, recording, warn)) {
    for (const response of read) {
      if (!recording.wanted(response) || !inRange(response, selectors)) continue;
      if (keep !== undefined) {
        kept.push(response);
        if (kept.length > 2 * keep) kept.splice(0, kept.length - keep);
        continue;
      }
      yield response;
      if (selectors.first && ++given >= number) return;
    }
  }
  if (keep !== undefined) yield* kept.slice(-keep);
}

function inRange({ time }: Timed, { since, until }: Selectors): boolean {
  const timeNs = time ? timestampNs(time) : 0n;
  return (!since || timeNs >= timestampNs(since)) && (!until || timeNs <= timestampNs(until));
}

/** Bytes read at a time. */
const pieceBytes = 1024 * 1024;

/** The original's words for the usual mistakes. */
function readFault(code: string, message: string, source: string | Readable): string {
  if (typeof source !== 'string') return `cannot read --input-file: ${message}`;
  if (code === 'ENOENT') return `open ${source}: no such file or directory`;
  if (code === 'EACCES') return `open ${source}: permission denied`;
  return code === 'EISDIR' ? `read ${source}: is a directory` : `cannot read --input-file: ${message}`;
}

async function* responses<T extends Timed>(
  source: string | Readable,
  { type, mayMatch = () => true }: Recording<T>,
  warn: (text: string) => void,
): AsyncGenerator<readonly T[]> {
  const input = typeof source === 'string' ? createReadStream(source, { highWaterMark: pieceBytes }) : source;
  let unknownTold = false;
  const read = ({ number, latin1, text }: Line): T | undefined => {
    // What looks cut off is read, so that it is told.
    if (!mayMatch(latin1) && latin1.endsWith('}')) return undefined;
    const written = text();
    if (written.trim() === '') return undefined;
    const reading = readJson<T>(type, written);
    if (!reading.ok) {
      warn(`line ${number} is skipped: ${reading.error}`);
      return undefined;
    }
    if (reading.value.unknown.length > 0 && !unknownTold) {
      unknownTold = true;
      warn(`unknown fields are ignored, the first on line ${number}: ${reading.value.unknown[0]}`);
    }
    return reading.value.message;
  };
  try {
    for await (const lines of linesOf(input)) {
      yield lines.map(read).filter((response) => response !== undefined);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Fault(readFault(code, message, source));
  }
}
