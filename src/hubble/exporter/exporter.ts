import { setTimeout as sleep } from 'node:timers/promises';
import { LostEventSource } from '../../model/flow/index.ts';
import { flowsIn } from './aggregate.ts';
import { type ExportReader, lostLine } from './events.ts';

/** Where lines go. `append` rejects when they could not be written. */
export interface LineSink {
  append(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

export interface ExporterOptions {
  /** From `Observer.exportLines`. */
  readonly reader: ExportReader;
  readonly sink: LineSink;
  readonly nodeName: string;
  /** Milliseconds since 1970 after which nothing is written. */
  readonly endMs: number | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called with the first failure after a success, and without one when writing succeeds again. */
  readonly onState: (failure: Error | undefined) => void;
}

export interface Exporter {
  /** Writes what has happened until now, and ends. */
  stop(): Promise<void>;
}

/** Lines of one write. */
const mostLines = 500;
/** How long lines gather before they are written. */
const gatherMs = 20;
const retryMs = 1_000;

/**
 * Writes lines until it is stopped or its time is over. It holds the lines of one write alone: what a slow disk leaves in the ring until it is overwritten is
 * told by the reader as lost, and what could not be written by a line before what could.
 */
export function startExporter(options: ExporterOptions): Exporter {
  const { reader, sink, nodeName, endMs, now, onState } = options;
  const stopped = new AbortController();
  const { signal } = stopped;
  let missing = 0;
  let failing = false;

  const take = (): string[] => {
    const lines: string[] = [];
    for (let line = reader.next(); line !== undefined; line = reader.next()) {
      lines.push(line);
      if (lines.length >= mostLines) break;
    }
    return lines;
  };
  const write = async (lines: readonly string[]): Promise<void> => {
    const told = missing > 0 ? [lossOf(missing), ...lines] : lines;
    try {
      await sink.append(told);
      missing = 0;
      if (failing) onState(undefined);
      failing = false;
    } catch (error) {
      missing += lines.reduce((flows, line) => flows + flowsIn(line), 0);
      if (!failing) onState(error as Error);
      failing = true;
    }
  };
  const lossOf = (count: number): string => {
    const lost = { source: LostEventSource.OBSERVER_EVENTS_QUEUE, num_events_lost: count };
    return lostLine(lost, BigInt(Math.trunc(now())) * 1_000_000n, nodeName);
  };
  const isOver = (): boolean => endMs !== undefined && now() >= endMs;
  const pause = (milliseconds: number): Promise<void> => sleep(milliseconds, undefined, { signal }).catch(() => {});

  const run = async (): Promise<void> => {
    while (!signal.aborted && !isOver()) {
      const lines = take();
      if (lines.length > 0) await write(lines);
      if (failing) await pause(retryMs);
      else if (lines.length < mostLines) {
        await reader.wait(signal);
        await pause(gatherMs);
      }
    }
    const last = [...(isOver() ? [] : take()), ...reader.rest()];
    for (let from = 0; from < last.length; from += mostLines) await write(last.slice(from, from + mostLines));
    await sink.close();
  };
  const running = run().catch((error: Error) => onState(error));
  return {
    stop: () => {
      stopped.abort();
      return running;
    },
  };
}
