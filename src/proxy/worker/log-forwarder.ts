import { Entries } from '../accesslog/entries.ts';
import type { GrpcLogConfig, GrpcLogSink } from '../accesslog/grpc.ts';
import { Deadline } from '../time/deadline.ts';

const FLUSH_MS = 50;
const MAX_ENTRIES = 256;

/** Collects the gRPC access log entries of a worker thread and hands them over in batches: the streams are the main thread's. */
export function createLogForwarder(
  send: (config: GrpcLogConfig, entries: Uint8Array, count: number) => void,
): GrpcLogSink & { flush(): void } {
  const waiting = new Map<GrpcLogConfig, Entries>();
  const flush = (): void => {
    timer.stop();
    for (const [config, entries] of waiting) {
      for (let next = entries.oldest; next; next = entries.oldest) {
        const { count } = next;
        send(config, entries.take(0), count);
      }
    }
    waiting.clear();
  };
  const timer = new Deadline(flush);
  return {
    // What is held here goes to the main thread soon, which drops what its sink does not take.
    refuses: () => false,
    push: (config, bytes, length, count) => {
      const held = waiting.get(config) ?? new Entries();
      waiting.set(config, held);
      held.add(bytes, length, count);
      if (held.count >= MAX_ENTRIES) flush();
      else if (!timer.waiting) timer.start(FLUSH_MS);
    },
    flush,
  };
}
