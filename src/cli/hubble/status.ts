import { layoutTable } from '../../hubble/index.ts';
import { printJson, type ServerStatusResponse, ServingStatus, toNumber } from '../../model/flow/index.ts';
import type { CommandIo } from '../io.ts';
import { type ServerFlags, withClient } from './connection.ts';
import { Fault } from './fault.ts';
import { goDuration, grouped } from './numbers.ts';

const outputs = ['compact', 'dict', 'json', 'table'] as const;

/** `hubble status`: health, then what the server holds. */
export async function showStatus(flags: ServerFlags & { readonly output: string }, io: CommandIo): Promise<number> {
  const output = outputs.find((name) => name === flags.output);
  if (!output) throw new Fault(`invalid output format: ${flags.output}; allowed: ${outputs.join(', ')}`);
  return withClient(flags, io, async (client, server) => {
    const { status: health } = await client.checkHealth();
    const healthy = health === ServingStatus.SERVING;
    if (output === 'compact') {
      const text = healthy ? 'Ok' : 'Unavailable: NOT_SERVING';
      io.stdout.write(`Healthcheck (via ${server}): ${text}\n`);
    }
    if (!healthy) throw new Fault('not healthy');
    io.stdout.write(statusText(await client.serverStatus(), output));
    return 0;
  });
}

/** The status in one of the layouts. */
export function statusText(status: ServerStatusResponse, output: (typeof outputs)[number]): string {
  switch (output) {
    case 'json':
      return `${printJson('observer.ServerStatusResponse', status)}\n`;
    case 'dict':
      return fields(status)
        .map(([name, , value]) => `${name.padStart(19)}: ${value}\n`)
        .join('');
    case 'table':
      return layoutTable([fields(status).map(([, name]) => name), fields(status).map(([, , value]) => value)]);
    default:
      return compact(status);
  }
}

function compact(status: ServerStatusResponse): string {
  const current = toNumber(status.num_flows);
  const max = toNumber(status.max_flows);
  const ratio = max > 0 ? ` (${((current / max) * 100).toFixed(2)}%)` : '';
  const lines = [`Current/Max Flows: ${grouped(current)}/${grouped(max)}${ratio}`, `Flows/s: ${rate(status)}`];
  const connected = status.num_connected_nodes?.value;
  const away = status.num_unavailable_nodes?.value ?? 0;
  if (status.num_connected_nodes) lines.push(`Connected Nodes: ${connected ?? 0}/${(connected ?? 0) + away}`);
  if (away > 0) {
    const names = status.unavailable_nodes ?? [];
    lines.push(`Unavailable Nodes: ${away}`, ...names.map((name) => `  - ${name}`));
    if (away > names.length) lines.push(`  - and ${away - names.length} more...`);
  }
  return `${lines.join('\n')}\n`;
}

function rate(status: ServerStatusResponse): string {
  if (status.flows_rate) return status.flows_rate.toFixed(2);
  const uptime = toNumber(status.uptime_ns);
  return uptime > 0 ? (toNumber(status.seen_flows) / (uptime / 1e9)).toFixed(2) : 'N/A';
}

/** Name in dict, name in table, value. */
function fields(status: ServerStatusResponse): [string, string, string][] {
  const away = status.num_unavailable_nodes;
  return [
    ['NUM FLOWS', 'NUM FLOWS', grouped(toNumber(status.num_flows))],
    ['MAX FLOWS', 'MAX FLOWS', grouped(toNumber(status.max_flows))],
    ['SEEN FLOWS', 'SEEN FLOWS', grouped(toNumber(status.seen_flows))],
    ['FLOWS PER SECOND', 'FLOWS PER SECOND', rate(status)],
    ['UPTIME', 'UPTIME', goDuration(toNumber(status.uptime_ns))],
    [
      'NUM CONNECTED NODES',
      'NUM CONNECTED NODES',
      String(status.num_connected_nodes ? (status.num_connected_nodes.value ?? 0) : 'N/A'),
    ],
    ['NUM UNAVAIL. NODES', 'NUM UNAVAILABLE NODES', String(away ? (away.value ?? 0) : 'N/A')],
    ['VERSION', 'VERSION', status.version || 'N/A'],
  ];
}
