import type { GrpcMessage } from '../../model/envoy/index.ts';
import type { GrpcLogConfig, GrpcLogSink } from '../accesslog/grpc.ts';
import { Deadline } from '../time/deadline.ts';

const FLUSH_MS = 50;
const MAX_ENTRIES = 256;

/** Collects the gRPC access log entries of a worker thread and hands them over in batches: the streams are the main thread's. */
export function createLogForwarder(
  send: (config: GrpcLogConfig, entries: readonly GrpcMessage[]) => void,
): GrpcLogSink & { flush(): void } {
  const waiting = new Map<GrpcLogConfig, GrpcMessage[]>();
  const flush = (): void => {
    timer.stop();
    for (const [config, entries] of waiting) send(config, entries);
    waiting.clear();
  };
  const timer = new Deadline(flush);
  return {
    push: (config, entries) => {
      const held = waiting.get(config) ?? [];
      waiting.set(config, held);
      held.push(...entries);
      if (held.length >= MAX_ENTRIES) flush();
      else if (!timer.list) timer.start(FLUSH_MS);
    },
    flush,
  };
}
