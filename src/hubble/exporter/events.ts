import { fail, longestTimerMs, ok, type Result } from '../../base/index.ts';
import { type Flow, type LostEvent, printJson, toTimestamp } from '../../model/flow/index.ts';
import { compileSelection } from '../filter/compile.ts';
import { compileFieldMask } from '../observer/field-mask.ts';
import { type EventReader, openReader, type ReaderSurroundings } from '../observer/reader.ts';
import { type Entry, flowOf } from '../observer/store.ts';
import { type Aggregator, createAggregator } from './aggregate.ts';
import type { ExporterSettings } from './settings.ts';

export type ExportSelection = Pick<ExporterSettings, 'allow' | 'deny' | 'fieldMask' | 'aggregation'>;

export interface ExportReader extends EventReader<string> {
  /** The lines of what was counted and is not told yet. */
  rest(): readonly string[];
}

/**
 * Reads what happens from now on as lines, each an `observer.ExportEvent` as protobuf JSON, which is what `hubble observe -o jsonpb` prints. A flow with a mask
 * has node and time of its own only where the mask has them. A reader that falls behind gets a line that says how many flows it has lost. With an aggregation
 * flows are counted, and their lines come at the end of each interval; there is no other mask then.
 */
export function openExport(
  { allow, deny, fieldMask, aggregation }: ExportSelection,
  surroundings: ReaderSurroundings,
): Result<ExportReader, string> {
  const selection = compileSelection(allow, deny);
  if (!selection.ok) return selection;
  const paths = aggregation?.fields ?? fieldMask;
  const mask = paths.length === 0 ? ok((flow: Flow) => flow) : compileFieldMask(paths);
  if (!mask.ok) return mask;
  const { nodeName } = surroundings;
  // What has no flow passes where nothing is asked for by name, as in Cilium.
  const wanted = (entry: Entry): boolean =>
    entry.kind === 'flow' ? selection.value(flowOf(entry)) : entry.kind === 'agent-event' && allow.length === 0;
  const eventLine = (entry: Exclude<Entry, { kind: 'flow' }>): string => {
    const event = entry.kind === 'agent-event' ? { agent_event: entry.event } : { lost_events: entry.lost };
    return printJson(exportEvent, { ...event, node_name: nodeName, time: toTimestamp(entry.timeNs) });
  };
  const opened = openReader<string | Flow>({ follow: true }, surroundings, {
    wanted,
    message: (entry) => (entry.kind === 'flow' ? flowOf(entry) : eventLine(entry)),
    lost: (lost, timeNs) => lostLine(lost, timeNs, nodeName),
  });
  if (!opened.ok) return fail(opened.error.details);
  const line = (found: string | Flow): string => (typeof found === 'string' ? found : flowLine(mask.value(found)));
  if (!aggregation) return ok(plainReader(opened.value, line));
  const nowMs = (): number => Number(surroundings.now() / 1_000_000n);
  return ok(aggregatingReader(opened.value, createAggregator(mask.value, aggregation.intervalMs, nowMs()), nowMs));
}

function plainReader(reader: EventReader<string | Flow>, line: (found: string | Flow) => string): ExportReader {
  const next = (): string | undefined => {
    const found = reader.next();
    return found === undefined ? undefined : line(found);
  };
  return { next, finished: reader.finished, wait: reader.wait, rest: () => [] };
}

/** Holds what is counted and, at the end of an interval, the lines of it until they are asked for; nothing more is read as long as there are such. */
function aggregatingReader(
  reader: EventReader<string | Flow>,
  aggregator: Aggregator,
  nowMs: () => number,
): ExportReader {
  let due: string[] = [];
  const next = (): string | undefined => {
    for (;;) {
      if (due.length === 0 && aggregator.isDue(nowMs())) due = aggregator.take(nowMs()).map(flowLine).reverse();
      const told = due.pop();
      if (told !== undefined) return told;
      const found = reader.next();
      if (found === undefined || typeof found === 'string') return found;
      aggregator.add(found);
    }
  };
  return {
    next,
    finished: reader.finished,
    wait: (signal) => {
      const left = Math.min(aggregator.leftMs(nowMs()), longestTimerMs);
      return reader.wait(AbortSignal.any([signal, AbortSignal.timeout(left)]));
    },
    rest: () => [...due.splice(0).reverse(), ...aggregator.take(nowMs()).map(flowLine)],
  };
}

const exportEvent = 'observer.ExportEvent';

function flowLine(flow: Flow): string {
  const { node_name: nodeName, time } = flow;
  return printJson(exportEvent, { flow, ...(nodeName && { node_name: nodeName }), ...(time && { time }) });
}

/** The line that says what is missing between those around it. */
export function lostLine(lost: LostEvent, timeNs: bigint, nodeName: string): string {
  return printJson(exportEvent, { lost_events: lost, node_name: nodeName, time: toTimestamp(timeNs) });
}
