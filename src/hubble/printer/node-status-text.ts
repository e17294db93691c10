import { enumName, NodeState, type NodeStatusEvent } from '../../model/flow/index.ts';
import { terminalSafe } from './colour.ts';

const nodeNamesCutOff = 50;

/** The sentence for a node status after `TIME [relay]: `. */
export function nodeStatusSentence(status: NodeStatusEvent): string {
  const names = status.node_names ?? [];
  const list = terminalSafe(shortened(names));
  switch (status.state_change) {
    case NodeState.CONNECTED:
      return `Receiving flows from ${names.length} nodes: ${list}`;
    case NodeState.UNAVAILABLE:
      return `${names.length} nodes are unavailable: ${list}`;
    case NodeState.GONE:
      return `${names.length} nodes removed from cluster: ${list}`;
    case NodeState.ERROR:
      return `Error ${JSON.stringify(status.message ?? '')} on ${names.length} nodes: ${list}`;
    default:
      return `unknown node status event: ${nodeStateName(status)}`;
  }
}

export function nodeStateName(status: NodeStatusEvent): string {
  return enumName('relay.NodeState', status.state_change ?? 0) ?? String(status.state_change);
}

/** The names joined, cut after some fifty characters with a count of the rest. */
function shortened(names: readonly string[]): string {
  let length = 0;
  let end = names.length;
  for (const [index, name] of names.entries()) {
    length += name.length + 2;
    if (length > nodeNamesCutOff && index > 0) {
      end = index;
      break;
    }
  }
  const joined = names.slice(0, end).join(', ');
  return end === names.length ? joined : `${joined} (and ${names.length - end} more)`;
}
