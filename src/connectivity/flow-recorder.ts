import type { HubbleClient, ResponseStream } from '../hubble/index.ts';
import { type Flow, type GetFlowsResponse, toTimestamp } from '../model/flow/index.ts';
import type { TestPod } from './model.ts';

/** Collects the flows of one pod until it is closed. */
export interface FlowRecorder {
  readonly flows: () => readonly Flow[];
  readonly close: () => void;
}

const mostFlows = 10_000;

/** Follows the flows from and to a pod, from `sinceNs` (nanoseconds since the epoch) on. */
export function recordFlows(hubble: HubbleClient, { namespace, name }: TestPod, sinceNs: bigint): FlowRecorder {
  const pod = [`${namespace}/${name}`];
  const flows: Flow[] = [];
  const stream: ResponseStream<GetFlowsResponse> = hubble.getFlows({
    follow: true,
    since: toTimestamp(sinceNs),
    whitelist: [{ source_pod: pod }, { destination_pod: pod }],
  });
  const collect = async (): Promise<void> => {
    for await (const { flow } of stream) if (flow && flows.length < mostFlows) flows.push(flow);
  };
  // A stream that breaks leaves flows missing, which the validation then reports.
  collect().catch(() => {});
  return { flows: () => flows, close: stream.cancel };
}
