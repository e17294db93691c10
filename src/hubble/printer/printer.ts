import {
  enumName,
  type Flow,
  type GetAgentEventsResponse,
  type GetDebugEventsResponse,
  type GetFlowsResponse,
  type LostEvent,
  NodeState,
  type NodeStatusEvent,
  printJson,
  toBigint,
  type WireTimestamp,
} from '../../model/flow/index.ts';
import { ansiColours, type Colourer, noColours, terminalSafe } from './colour.ts';
import { agentEventRecord, debugEventRecord, type EventRecord } from './event-record.ts';
import { hostTexts, identityText, summaryText, typeText, verdictText } from './flow-text.ts';
import { nodeStateName, nodeStatusSentence } from './node-status-text.ts';
import { layoutTable } from './tabwriter.ts';
import { printTime } from './time-format.ts';

export interface PrinterOptions {
  /** `json` and `jsonpb` are the same; `json-legacy` prints bare flows. */
  readonly output: 'compact' | 'dict' | 'table' | 'json' | 'jsonpb' | 'json-legacy';
  readonly nodeName?: boolean;
  readonly policyNames?: boolean;
  /** Colours in compact and dict output. */
  readonly colour?: boolean;
  /** A name of `timeFormatNames`; default `StampMilli`. */
  readonly timeFormat?: string;
  /** Names instead of addresses; default true. */
  readonly ipTranslation?: boolean;
  /** Identities in compact lines; default true. Without them the lines are those of Hubble up to 0.9. */
  readonly identities?: boolean;
  /** Print every node status, not only those that need attention. */
  readonly debug?: boolean;
}

/** Text for the two output streams; either may be empty. */
export interface Printed {
  readonly out: string;
  readonly err: string;
}

/** Turns responses into text under one set of options. `table` output comes from `end` alone. */
export interface Printer {
  print(response: GetFlowsResponse): Printed;
  agentEvent(response: GetAgentEventsResponse): Printed;
  debugEvent(response: GetDebugEventsResponse): Printed;
  end(): string;
}

interface Context {
  readonly options: PrinterOptions;
  readonly colours: Colourer;
  readonly time: (time: WireTimestamp | null | undefined) => string;
}

const nothing: Printed = { out: '', err: '' };
const toOut = (out: string): Printed => ({ out, err: '' });

/** A printer with Hubble's exact layouts. Rows of a table are kept until `end`, because columns need their widths. */
export function createPrinter(options: PrinterOptions): Printer {
  const colourable = options.output === 'compact' || options.output === 'dict';
  const context: Context = {
    options,
    colours: options.colour && colourable ? ansiColours : noColours,
    time: (time) => printTime(time, options.timeFormat ?? 'StampMilli'),
  };
  const rows: string[][] = [];
  let records = 0;
  const dict = (entries: readonly (readonly [string, string])[], separator = '------------\n'): Printed => {
    const lines = entries.map(([key, value]) => `${key.padStart(11)}: ${value}\n`).join('');
    return toOut(records++ === 0 ? lines : `${separator}${lines}`);
  };
  const row = (header: readonly string[], cells: readonly string[]): Printed => {
    if (rows.length === 0) rows.push([...header]);
    rows.push([...cells]);
    return nothing;
  };
  return {
    print(response) {
      if (response.node_status) return printNodeStatus(context, response, response.node_status);
      if (options.output === 'json-legacy')
        return response.flow ? toOut(`${printJson('flow.Flow', response.flow)}\n`) : nothing;
      if (isJson(options)) return toOut(`${printJson('observer.GetFlowsResponse', response)}\n`);
      if (response.lost_events) return printLost(context, response, response.lost_events, dict, row);
      return response.flow ? printFlow(context, response.flow, dict, row) : nothing;
    },
    agentEvent: (response) => printEvent(context, agentEventRecord(response, context.time), dict, row),
    debugEvent: (response) => printEvent(context, debugEventRecord(response), dict, row),
    end: () => layoutTable(rows.splice(0)),
  };
}

type Dict = (entries: readonly (readonly [string, string])[], separator?: string) => Printed;
type Row = (header: readonly string[], cells: readonly string[]) => Printed;

function isJson({ output }: PrinterOptions): boolean {
  return output === 'json' || output === 'jsonpb';
}

function printFlow(context: Context, flow: Flow, dict: Dict, row: Row): Printed {
  const { options, colours } = context;
  if (options.output === 'compact') return toOut(compactLine(context, flow));
  const { source, destination } = hostTexts(flow, options.ipTranslation ?? true, colours);
  const verdict = verdictText(flow, options.policyNames ?? false, colours);
  const summary = summaryText(flow, colours);
  const node = options.nodeName ? [terminalSafe(flow.node_name ?? '')] : [];
  const time = context.time(flow.time);
  if (options.output === 'table')
    return row(tableHeader(options), [time, ...node, source, destination, typeText(flow), verdict, summary]);
  return dict([
    ['TIMESTAMP', time],
    ...node.map((name): [string, string] => ['NODE', name]),
    ['SOURCE', source],
    ['DESTINATION', destination],
    ['TYPE', typeText(flow)],
    ['VERDICT', verdict],
    ['SUMMARY', summary],
  ]);
}

function compactLine(context: Context, flow: Flow): string {
  const { options, colours } = context;
  const hosts = hostTexts(flow, options.ipTranslation ?? true, colours);
  const identities = options.identities ?? true;
  const end = (host: string, endpoint: Flow['source']): string =>
    identities ? `${host} ${identityText(endpoint, colours)}` : host;
  const source = end(hosts.source, flow.source);
  const destination = end(hosts.destination, flow.destination);
  const ends = !flow.is_reply
    ? `${source} <> ${destination}`
    : flow.is_reply.value
      ? `${destination} <- ${source}`
      : `${source} -> ${destination}`;
  const node = options.nodeName ? ` [${terminalSafe(flow.node_name ?? '')}]` : '';
  const type = identities || !flow.l7?.dns ? typeText(flow) : typeText(flow).replace(/ .*$/, '');
  const verdict = verdictText(flow, options.policyNames ?? false, colours);
  return `${context.time(flow.time)}${node}: ${ends} ${type} ${verdict} (${summaryText(flow, colours)})\n`;
}

function tableHeader({ nodeName }: PrinterOptions): string[] {
  return ['TIMESTAMP', ...(nodeName ? ['NODE'] : []), 'SOURCE', 'DESTINATION', 'TYPE', 'VERDICT', 'SUMMARY'];
}

function printLost(context: Context, response: GetFlowsResponse, lost: LostEvent, dict: Dict, row: Row): Printed {
  const { options } = context;
  const time = context.time(response.time);
  const source = enumName('flow.LostEventSource', lost.source ?? 0) ?? String(lost.source);
  const cpu = `CPU(${lost.cpu?.value ?? 0})`;
  const count = toBigint(lost.num_events_lost);
  const span = lost.first && lost.last ? ` (first: ${context.time(lost.first)}, last: ${context.time(lost.last)})` : '';
  if (options.output === 'compact') return toOut(`${time} EVENTS LOST: ${source} ${cpu} ${count}${span}\n`);
  const node = options.nodeName ? [terminalSafe(response.node_name ?? '')] : [];
  const summary = `${cpu} - ${count}${span}`;
  if (options.output === 'table')
    return row(tableHeader(options), [time, ...node, source, '-', 'EVENTS LOST', '-', summary]);
  return dict([
    ['TIMESTAMP', time],
    ...node.map((name): [string, string] => ['NODE', name]),
    ['SOURCE', source],
    ['TYPE', 'EVENTS LOST'],
    ['VERDICT', '-'],
    ['SUMMARY', summary],
  ]);
}

function printNodeStatus(context: Context, response: GetFlowsResponse, status: NodeStatusEvent): Printed {
  const { options } = context;
  const urgent = status.state_change === NodeState.UNAVAILABLE || status.state_change === NodeState.ERROR;
  if (!urgent && !options.debug) return nothing;
  if (isJson(options)) return { out: '', err: `${printJson('observer.GetFlowsResponse', response)}\n` };
  const time = context.time(response.time);
  if (options.output !== 'dict') {
    const node = terminalSafe(response.node_name ?? '');
    return { out: '', err: `${time} [${node}]: ${nodeStatusSentence(status)}\n` };
  }
  const lines = [
    ['TIMESTAMP', time],
    ['STATE', nodeStateName(status)],
    ['NODES', terminalSafe((status.node_names ?? []).join(', '))],
    ['MESSAGE', terminalSafe(status.message ?? '')],
  ];
  return { out: '', err: lines.map(([key = '', value = '']) => `${key.padStart(11)}: ${value}\n`).join('') };
}

function printEvent(context: Context, record: EventRecord | undefined, dict: Dict, row: Row): Printed {
  if (!record) return nothing;
  const { options } = context;
  if (options.output === 'json-legacy') return toOut(`${record.json.event()}\n`);
  if (isJson(options)) return toOut(`${record.json.response()}\n`);
  const time = context.time(record.time);
  const node = options.nodeName ? [terminalSafe(record.nodeName)] : [];
  if (options.output === 'compact') return toOut(`${time}${node.map((name) => ` [${name}]`)}: ${record.line}\n`);
  if (options.output === 'table') {
    const header = ['TIMESTAMP', ...node.map(() => 'NODE'), ...record.columns.map(([title]) => title)];
    return row(header, [time, ...node, ...record.columns.map(([, cell]) => cell)]);
  }
  const entries = [['TIMESTAMP', time], ...node.map((name) => ['NODE', name] as const), ...record.fields] as const;
  // The original, too, has no line end here, and its bytes count.
  return dict(entries, '------------');
}
