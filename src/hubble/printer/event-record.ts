import {
  type Endpoint,
  enumName,
  type GetAgentEventsResponse,
  type GetDebugEventsResponse,
  printJson,
  type WireTimestamp,
} from '../../model/flow/index.ts';
import { agentEventDetails } from './agent-event-text.ts';
import { terminalSafe } from './colour.ts';

type Named = readonly [name: string, text: string];

/** An event of the agent or of the kernel's programs, worded for each output but for time and node. */
export interface EventRecord {
  readonly time: WireTimestamp | null | undefined;
  readonly nodeName: string;
  /** The response, and the bare event. */
  readonly json: { readonly response: () => string; readonly event: () => string };
  readonly line: string;
  readonly columns: readonly Named[];
  readonly fields: readonly Named[];
}

/** Undefined where the response has no event. */
export function agentEventRecord(
  response: GetAgentEventsResponse,
  printTime: (time: WireTimestamp | null | undefined) => string,
): EventRecord | undefined {
  const event = response.agent_event;
  if (!event) return undefined;
  const type = enumName('flow.AgentEventType', event.type ?? 0) ?? String(event.type);
  const details = terminalSafe(agentEventDetails(event, printTime));
  const named: readonly Named[] = [
    ['TYPE', type],
    ['DETAILS', details],
  ];
  return {
    time: response.time,
    nodeName: response.node_name ?? '',
    json: {
      response: () => printJson('observer.GetAgentEventsResponse', response),
      event: () => printJson('flow.AgentEvent', event),
    },
    line: `${type} (${details})`,
    columns: named,
    fields: named,
  };
}

const unknown = 'N/A';

/** Undefined where the response has no event. */
export function debugEventRecord(response: GetDebugEventsResponse): EventRecord | undefined {
  const event = response.debug_event;
  if (!event) return undefined;
  const type = enumName('flow.DebugEventType', event.type ?? 0) ?? String(event.type);
  const from = terminalSafe(endpointText(event.source));
  const mark = event.hash ? `0x${(event.hash.value ?? 0).toString(16)}` : unknown;
  const cpu = event.cpu ? cpuText(event.cpu.value ?? 0) : unknown;
  const message = terminalSafe(event.message ?? '');
  return {
    time: response.time,
    nodeName: response.node_name ?? '',
    json: {
      response: () => printJson('observer.GetDebugEventsResponse', response),
      event: () => printJson('flow.DebugEvent', event),
    },
    line: `${from} ${type} MARK: ${mark} CPU: ${cpu} (${message})`,
    columns: [
      ['FROM', from],
      ['', ''],
      ['TYPE', type],
      ['CPU/MARK', `${cpu} ${mark}`],
      ['MESSAGE', message],
    ],
    fields: [
      ['TYPE', type],
      ['FROM', from],
      ['MARK', mark],
      ['CPU', cpu],
      ['MESSAGE', message],
    ],
  };
}

/** At least two places, of which one may be a sign. */
function cpuText(cpu: number): string {
  return cpu < 0 ? `-${-cpu}` : String(cpu).padStart(2, '0');
}

function endpointText(endpoint: Endpoint | null | undefined): string {
  if (!endpoint) return unknown;
  const { ID: id = 0, namespace = '', pod_name: pod = '', labels = [] } = endpoint;
  if (namespace !== '' && pod !== '') return `${namespace}/${pod} (ID: ${id})`;
  const [label = ''] = labels;
  return labels.length === 1 && label.startsWith('reserved:') ? `${label} (ID: ${id})` : `ID: ${id}`;
}
