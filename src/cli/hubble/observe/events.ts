import { createPrinter, type HubbleClient, type Printer, type ResponseStream } from '../../../hubble/index.ts';
import type {
  GetAgentEventsRequest,
  GetAgentEventsResponse,
  GetDebugEventsResponse,
} from '../../../model/flow/index.ts';
import type { CommandIo } from '../../io.ts';
import { checkServerFlags, type ServerFlags, withClient } from '../connection.ts';
import { readRecords } from './input-file.ts';
import { defaultLast, type ObserveFlags, printerOptionsOf, type Selectors, selectorsOf } from './options.ts';
import { printAll } from './print-all.ts';

type EventsResponse = GetAgentEventsResponse & GetDebugEventsResponse;

interface Kind {
  readonly ask: (client: HubbleClient, request: GetAgentEventsRequest) => ResponseStream<EventsResponse>;
  readonly print: (printer: Printer) => (response: EventsResponse) => ReturnType<Printer['agentEvent']>;
  readonly isOne: (response: EventsResponse) => boolean;
}

const kinds: Readonly<Record<'agent' | 'debug', Kind>> = {
  agent: {
    ask: (client, request) => client.getAgentEvents(request),
    print: (printer) => printer.agentEvent,
    isOne: ({ agent_event: event }) => Boolean(event),
  },
  debug: {
    ask: (client, request) => client.getDebugEvents(request),
    print: (printer) => printer.debugEvent,
    isOne: ({ debug_event: event }) => Boolean(event),
  },
};

/**
 * `hubble observe agent-events` and `debug-events`, from a server or from a recording: responses, or lines of an exporter, of which the events of
 * this kind are printed and everything else is passed over.
 */
export async function observeEvents(
  name: 'agent' | 'debug',
  flags: ObserveFlags & ServerFlags,
  io: CommandIo,
): Promise<number> {
  const kind = kinds[name];
  const printer = createPrinter(printerOptionsOf(flags, io.environment, false));
  const selectors = selectorsOf(flags, BigInt(Date.now()) * 1_000_000n);
  checkServerFlags(flags);
  const printing = {
    print: kind.print(printer),
    end: printer.end,
    follow: selectors.follow,
    silent: flags.silentErrors ?? false,
  };
  if (flags.inputFile) {
    const warn = (text: string): void => void (flags.silentErrors || io.stderr.write(`WARN ${text}\n`));
    const source = flags.inputFile === '-' ? io.stdin : flags.inputFile;
    const events = readRecords<EventsResponse>(
      source,
      { type: 'observer.ExportEvent', wanted: kind.isOne },
      selectors,
      warn,
    );
    await printAll(events, { ...printing, follow: false }, io, () => {});
    return 0;
  }
  await withClient(flags, io, async (client) => {
    const stream = kind.ask(client, requestOf(selectors));
    await printAll(stream, printing, io, stream.cancel);
  });
  return 0;
}

/** Events of before are asked for when following, too, as the original does. */
function requestOf({ number, first, follow, since, until }: Selectors): GetAgentEventsRequest {
  const plain = follow && number === 0 && !since && !until;
  return { number: plain ? defaultLast : number, first, follow, ...(since && { since }), ...(until && { until }) };
}
