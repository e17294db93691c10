import { MessageType } from '../../model/flow/index.ts';

/** Trace points by `event_type.sub_type`; `trace_observation_point` uses the same numbers, but 101 for to-endpoint. */
export const tracePoints: readonly string[] = [
  'to-endpoint',
  'to-proxy',
  'to-host',
  'to-stack',
  'to-overlay',
  'from-endpoint',
  'from-proxy',
  'from-host',
  'from-stack',
  'from-overlay',
  'from-network',
  'to-network',
  'from-crypto',
  'to-crypto',
];

/** What `--type` accepts, and the message type behind each name. */
export const observeTypes: ReadonlyMap<string, number> = new Map([
  ['agent', MessageType.AGENT],
  ['capture', MessageType.CAPTURE],
  ['debug', MessageType.DEBUG],
  ['drop', MessageType.DROP],
  ['l7', MessageType.L7],
  ['policy-verdict', MessageType.POLICY_VERDICT],
  ['trace', MessageType.TRACE],
  ['trace-sock', MessageType.TRACE_SOCK],
]);

const matchTypes: readonly string[] = ['none', 'L3-Only', 'L3-L4', 'L4-Only', 'all', 'L3-Proto', 'Proto-Only'];

/** The words for `policy_match_type`. */
export function matchTypeText(matchType: number): string {
  return matchTypes[matchType] ?? 'unknown';
}

const sockPoints: readonly string[] = [
  'SOCK_XLATE_POINT_UNKNOWN',
  'pre-xlate-fwd',
  'post-xlate-fwd',
  'pre-xlate-rev',
  'post-xlate-rev',
];

/** The words for `sock_xlate_point`. */
export function sockPointText(point: number): string {
  return sockPoints[point] ?? String(point);
}
