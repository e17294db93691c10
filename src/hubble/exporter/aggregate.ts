import { encodeMessage, type Flow, type FlowAggregate, TrafficDirection } from '../../model/flow/index.ts';

/** Flows that are alike in some fields, counted instead of told one by one. */
export interface Aggregation {
  /** Paths of Flow that make flows alike; at least one. */
  readonly fields: readonly string[];
  readonly intervalMs: number;
}

export interface Aggregator {
  add(flow: Flow): void;
  /** Whether what was counted is to be told now: its interval is over, or there is no room for more. */
  isDue(nowMs: number): boolean;
  /** Milliseconds until the interval is over. */
  leftMs(nowMs: number): number;
  /** What was counted, the first seen first, and begins anew: the fields alone with the time of the first flow and the numbers. */
  take(nowMs: number): Flow[];
}

/** Groups that are counted at a time, and bytes of what makes them alike: what would need more room has them told early. */
const mostGroups = 10_000;
const mostBytes = 8 * 1024 * 1024;

interface Group {
  readonly flow: Flow;
  readonly counts: Required<FlowAggregate>;
}

function newGroup(masked: Flow, { time }: Flow): Group {
  const counts = { ingress_flow_count: 0, egress_flow_count: 0, unknown_direction_flow_count: 0 };
  return { flow: { ...masked, ...(time && { time }) }, counts };
}

function countOf({ traffic_direction: direction }: Flow): keyof FlowAggregate {
  if (direction === TrafficDirection.INGRESS) return 'ingress_flow_count';
  return direction === TrafficDirection.EGRESS ? 'egress_flow_count' : 'unknown_direction_flow_count';
}

/** Counts as Cilium's exporter does, by direction. `mask` gives the fields of a flow that count. */
export function createAggregator(mask: (flow: Flow) => Flow, intervalMs: number, startMs: number): Aggregator {
  let groups = new Map<string, Group>();
  let bytes = 0;
  let dueMs = startMs + intervalMs;
  return {
    add(flow) {
      const masked = mask(flow);
      const key = Buffer.from(encodeMessage('flow.Flow', masked)).toString('latin1');
      const known = groups.get(key);
      const group = known ?? newGroup(masked, flow);
      if (!known) {
        groups.set(key, group);
        bytes += key.length;
      }
      group.counts[countOf(flow)]++;
    },
    isDue: (nowMs) => groups.size >= mostGroups || bytes >= mostBytes || nowMs >= dueMs,
    leftMs: (nowMs) => Math.max(0, dueMs - nowMs),
    take(nowMs) {
      if (nowMs >= dueMs) dueMs += intervalMs * (1 + Math.floor((nowMs - dueMs) / intervalMs));
      const told = [...groups.values()].map(({ flow, counts }) => ({ ...flow, aggregate: counts }));
      groups = new Map();
      bytes = 0;
      return told;
    },
  };
}

/** The flows that a line of an exporter tells of. */
export function flowsIn(line: string): number {
  if (!line.includes('"aggregate":{')) return 1;
  const { flow } = JSON.parse(line) as { flow?: Flow };
  return flow?.aggregate ? Object.values(flow.aggregate).reduce((sum, count) => sum + count, 0) : 1;
}
