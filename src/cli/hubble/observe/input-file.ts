import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { compileSelection } from '../../../hubble/index.ts';
import { type GetFlowsResponse, readJson, timestampNs, toNumber } from '../../../model/flow/index.ts';
import { Fault } from '../fault.ts';
import type { Filters } from './filter-flags.ts';
import type { Selectors } from './options.ts';

const mostLast = 1_000_000;

/**
 * Reads recorded responses, one jsonpb GetFlowsResponse a line, in the order of the file, and applies filters, times,
 * `--first` and `--last` to the flows. Lines that are not such a message are told through `warn` and skipped.
 */
export async function* readInputFile(
  source: string | Readable,
  filters: Filters,
  selectors: Selectors,
  warn: (text: string) => void,
): AsyncGenerator<GetFlowsResponse> {
  const selection = compileSelection(filters.whitelist, filters.blacklist);
  if (!selection.ok) throw new Fault(selection.error);
  const number = toNumber(selectors.number);
  const last = !selectors.first && number > 0 ? number : undefined;
  if (last !== undefined && last > mostLast && String(selectors.number).length < 20) {
    throw new Fault(`--last ${last} is too large for --input-file; allowed: up to ${mostLast}`);
  }
  const keep = last !== undefined && last <= mostLast ? last : undefined;
  const wanted = (response: GetFlowsResponse): boolean =>
    !response.flow || (selection.value(response.flow) && inRange(response, selectors));
  const kept: GetFlowsResponse[] = [];
  let given = 0;
  for await (const response of responses(source, warn)) {
    if (!wanted(response)) continue;
    if (keep !== undefined) {
      kept.push(response);
      if (kept.length > 2 * keep) kept.splice(0, kept.length - keep);
      continue;
    }
    yield response;
    if (selectors.first && ++given >= number) return;
  }
  if (keep !== undefined) yield* kept.slice(-keep);
}

function inRange({ flow }: GetFlowsResponse, { since, until }: Selectors): boolean {
  if (!flow?.time) return true;
  const timeNs = timestampNs(flow.time);
  return (!since || timeNs >= timestampNs(since)) && (!until || timeNs <= timestampNs(until));
}

async function* responses(source: string | Readable, warn: (text: string) => void): AsyncGenerator<GetFlowsResponse> {
  const input = typeof source === 'string' ? createReadStream(source) : source;
  let unknownTold = false;
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (line.trim() === '') continue;
      const read = readJson<GetFlowsResponse>('observer.GetFlowsResponse', line);
      if (!read.ok) {
        warn(`line ${number} is skipped: ${read.error}`);
        continue;
      }
      if (read.value.unknown.length > 0 && !unknownTold) {
        unknownTold = true;
        warn(`unknown fields are ignored, the first on line ${number}: ${read.value.unknown[0]}`);
      }
      yield read.value.message;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new Fault(`cannot read --input-file: ${message}`);
  }
}
