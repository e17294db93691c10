import { createPrinter, type PrinterOptions } from '../../../hubble/index.ts';
import { type GetFlowsRequest, type GetFlowsResponse, printJson } from '../../../model/flow/index.ts';
import type { CommandIo } from '../../io.ts';
import { checkServerFlags, type ServerFlags, withClient } from '../connection.ts';
import { createOutput } from '../output.ts';
import type { Filters } from './filter-flags.ts';
import { readInputFile } from './input-file.ts';
import { type ObserveFlags, printerOptionsOf, requestOf, selectorsOf } from './options.ts';

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

/** `hubble observe`: prints flows until the stream ends, the reader goes or the user interrupts. */
export async function observeFlows(
  flags: ObserveFlags & ServerFlags,
  filters: Filters,
  io: CommandIo,
): Promise<number> {
  const terminal = (io.stdout as { isTTY?: boolean }).isTTY === true;
  const options = printerOptionsOf(flags, io.environment, terminal);
  const selectors = selectorsOf(flags, nowNs());
  const request: GetFlowsRequest = requestOf(selectors, filters, flags, options);
  checkServerFlags(flags);
  if (flags.printRawFilters) {
    io.stdout.write(rawFilters(filters));
    return 0;
  }
  if (flags.inputFile) {
    const warn = (text: string): void => void io.stderr.write(`WARN ${text}\n`);
    const source = flags.inputFile === '-' ? io.stdin : flags.inputFile;
    await printAll(readInputFile(source, filters, selectors, flags.silentErrors ? () => {} : warn), options, io, {
      follow: false,
      silent: flags.silentErrors ?? false,
      stop: () => {},
    });
    return 0;
  }
  await withClient(flags, async (client) => {
    const stream = client.getFlows(request);
    await printAll(stream, options, io, {
      follow: selectors.follow,
      silent: flags.silentErrors ?? false,
      stop: stream.cancel,
    });
  });
  return 0;
}

interface Printing {
  readonly follow: boolean;
  /** Leave standard error alone. */
  readonly silent: boolean;
  /** Ends the stream of responses. */
  readonly stop: () => void;
}

async function printAll(
  responses: AsyncIterable<GetFlowsResponse>,
  options: PrinterOptions,
  io: CommandIo,
  { follow, silent, stop }: Printing,
): Promise<void> {
  const printer = createPrinter(options);
  const output = createOutput(io, { buffered: !follow, onClosed: stop });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    for await (const response of responses) {
      const { out, err } = printer.print(response);
      if (err !== '' && !silent) io.stderr.write(err);
      if (out !== '') await output.write(out);
      if (output.closed()) return;
    }
    await output.write(printer.end());
  } finally {
    await output.flush();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

/** The filters as YAML lists of JSON, ready for `--allowlist` and `--denylist`. */
function rawFilters({ whitelist, blacklist }: Filters): string {
  if (whitelist.length + blacklist.length === 0) return '{}\n';
  const lists = [
    ['allowlist', whitelist],
    ['denylist', blacklist],
  ] as const;
  if (whitelist.length + blacklist.length === 0) return '{}\n';
  return lists
    .filter(([, filters]) => filters.length > 0)
    .map(([name, filters]) => {
      const items = filters.map((filter) => `    - '${printJson('flow.FlowFilter', filter).replaceAll("'", "''")}'\n`);
      return `${name}:\n${items.join('')}`;
    })
    .join('');
}

/** `hubble observe agent-events`. */
export async function observeAgentEvents(flags: ObserveFlags & ServerFlags, io: CommandIo): Promise<number> {
  const options = printerOptionsOf(flags, io.environment, false);
  const { number, first, follow, since, until } = selectorsOf(flags, nowNs());
  await withClient(flags, async (client) => {
    const stream = client.getAgentEvents({ number, first, follow, ...(since && { since }), ...(until && { until }) });
    const printer = createPrinter(options);
    const output = createOutput(io, { buffered: !follow, onClosed: stream.cancel });
    process.once('SIGINT', stream.cancel);
    for await (const response of stream) await output.write(printer.agentEvent(response).out);
    await output.write(printer.end());
    await output.flush();
    process.off('SIGINT', stream.cancel);
  });
  return 0;
}
