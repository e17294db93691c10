import { layoutTable } from '../../hubble/index.ts';
import { type HubbleNode, NodeState, printJson, toNumber } from '../../model/flow/index.ts';
import type { CommandIo } from '../io.ts';
import { type ServerFlags, withClient } from './connection.ts';
import { Fault } from './fault.ts';
import { goDuration } from './numbers.ts';

type Output = 'table' | 'wide' | 'json';

function outputOf(text: string): Output {
  if (text === 'table' || text === 'wide' || text === 'json') return text;
  throw new Fault(`unknown output format: ${text}; allowed: table, wide, json`);
}

const states: Readonly<Record<number, string>> = {
  [NodeState.CONNECTED]: 'Connected',
  [NodeState.UNAVAILABLE]: 'Unavailable',
  [NodeState.GONE]: 'Gone',
  [NodeState.ERROR]: 'Error',
};

/** `hubble list nodes`. */
export async function listNodes(flags: ServerFlags & { readonly output: string }, io: CommandIo): Promise<number> {
  const output = outputOf(flags.output);
  return withClient(flags, io, async (client) => {
    const { nodes = [] } = await client.getNodes();
    const sorted = [...nodes].sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
    io.stdout.write(nodesText(sorted, output));
    return 0;
  });
}

/** Nodes as a table (`wide` with version, address and TLS) or as an indented JSON list. */
export function nodesText(nodes: readonly HubbleNode[], output: Output): string {
  if (output === 'json') return jsonList('observer.Node', nodes);
  const wide = output === 'wide';
  const header = [
    'NAME',
    'STATUS',
    'AGE',
    'FLOWS/S',
    'CURRENT/MAX-FLOWS',
    ...(wide ? ['VERSION', 'ADDRESS', 'TLS'] : []),
  ];
  return layoutTable([header, ...nodes.map((node) => nodeRow(node, wide))]);
}

function nodeRow(node: HubbleNode, wide: boolean): string[] {
  const uptimeNs = toNumber(node.uptime_ns);
  const current = toNumber(node.num_flows);
  const max = toNumber(node.max_flows);
  const ratio = max > 0 ? ` (${((current / max) * 100).toFixed(2).padStart(6)}%)` : '';
  return [
    node.name ?? '',
    states[node.state ?? 0] ?? 'Unknown',
    uptimeNs > 0 ? goDuration(Math.round(uptimeNs / 1e9) * 1e9) : 'N/A',
    uptimeNs > 0 ? (toNumber(node.seen_flows) / (uptimeNs / 1e9)).toFixed(2) : 'N/A',
    max > 0 ? `${current}/${max}${ratio}` : 'N/A',
    ...(wide ? [node.version || 'N/A', node.address || 'N/A', tlsText(node)] : []),
  ];
}

function tlsText({ tls }: HubbleNode): string {
  if (!tls) return 'N/A';
  return tls.enabled ? 'Enabled' : 'Disabled';
}

/** `hubble list namespaces`. */
export async function listNamespaces(flags: ServerFlags & { readonly output: string }, io: CommandIo): Promise<number> {
  const output = outputOf(flags.output);
  return withClient(flags, io, async (client) => {
    const { namespaces = [] } = await client.getNamespaces();
    if (output === 'json') io.stdout.write(jsonList('observer.Namespace', namespaces));
    else {
      const wide = output === 'wide';
      const rows = namespaces.map(({ namespace = '', cluster = '' }) => (wide ? [namespace, cluster] : [namespace]));
      io.stdout.write(layoutTable([wide ? ['NAMESPACE', 'CLUSTER'] : ['NAMESPACE'], ...rows]));
    }
    return 0;
  });
}

function jsonList(type: string, messages: readonly object[]): string {
  const list: unknown = messages.map((message) => JSON.parse(printJson(type, message)));
  return `${JSON.stringify(list, undefined, 2)}\n`;
}
