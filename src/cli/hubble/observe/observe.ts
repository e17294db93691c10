import type { Filters } from '../../../hubble/index.ts';
import { createPrinter } from '../../../hubble/index.ts';
import { type GetFlowsRequest, printJson } from '../../../model/flow/index.ts';
import type { CommandIo } from '../../io.ts';
import { checkServerFlags, type ServerFlags, withClient } from '../connection.ts';
import { readInputFile } from './input-file.ts';
import { type ObserveFlags, printerOptionsOf, requestOf, selectorsOf } from './options.ts';
import { printAll } from './print-all.ts';

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
  const printer = createPrinter(options);
  const printing = { print: printer.print, end: printer.end, follow: false, silent: flags.silentErrors ?? false };
  if (flags.inputFile) {
    const warn = (text: string): void => void io.stderr.write(`WARN ${text}\n`);
    const source = flags.inputFile === '-' ? io.stdin : flags.inputFile;
    const responses = readInputFile(source, filters, selectors, flags.silentErrors ? () => {} : warn);
    await printAll(responses, printing, io, () => {});
    return 0;
  }
  await withClient(flags, io, async (client) => {
    const stream = client.getFlows(request);
    await printAll(stream, { ...printing, follow: selectors.follow }, io, stream.cancel);
  });
  return 0;
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
