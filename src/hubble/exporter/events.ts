import { fail, ok, type Result } from '../../base/index.ts';
import { type Flow, type LostEvent, printJson, toTimestamp } from '../../model/flow/index.ts';
import { compileSelection } from '../filter/compile.ts';
import { compileFieldMask } from '../observer/field-mask.ts';
import { type EventReader, openReader, type ReaderSurroundings } from '../observer/reader.ts';
import type { Entry } from '../observer/store.ts';
import type { ExporterSettings } from './settings.ts';

export type ExportSelection = Pick<ExporterSettings, 'allow' | 'deny' | 'fieldMask'>;

/**
 * Reads what happens from now on as lines, each an `observer.ExportEvent` as protobuf JSON, which is what `hubble observe -o jsonpb` prints. A flow with a mask
 * has node and time of its own only where the mask has them. A reader that falls behind gets a line that says how many flows it has lost.
 */
export function openExport(
  { allow, deny, fieldMask }: ExportSelection,
  surroundings: ReaderSurroundings,
): Result<EventReader<string>, string> {
  const selection = compileSelection(allow, deny);
  if (!selection.ok) return selection;
  const mask = fieldMask.length === 0 ? ok((flow: Flow) => flow) : compileFieldMask(fieldMask);
  if (!mask.ok) return mask;
  const { nodeName } = surroundings;
  // What has no flow passes where nothing is asked for by name, as in Cilium.
  const wanted = (entry: Entry): boolean =>
    entry.kind === 'flow' ? selection.value(entry.flow) : entry.kind === 'agent-event' && allow.length === 0;
  const message = (entry: Entry): string => {
    if (entry.kind === 'flow') return flowLine(mask.value(entry.flow));
    const time = toTimestamp(entry.timeNs);
    const event = entry.kind === 'agent-event' ? { agent_event: entry.event } : { lost_events: entry.lost };
    return printJson(exportEvent, { ...event, node_name: nodeName, time });
  };
  const opened = openReader<string>({ follow: true }, surroundings, {
    wanted,
    message,
    lost: (lost, timeNs) => lostLine(lost, timeNs, nodeName),
  });
  return opened.ok ? opened : fail(opened.error.details);
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
