import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type GetFlowsResponse, printJson, toNumber } from '../model/flow/index.ts';
import { isPassing, type OpenFlows } from './source.ts';

/** Milliseconds between two writes to a browser. */
const batchMs = 100;
/** Milliseconds of silence after which the first goes although more of the flows before the page could come: a person waits for it. */
const openingMs = 50;
/** Milliseconds after which it goes in any case. */
const latestMs = 500;
/** Flows of one batch; more of them within `batchMs` are lost and counted. */
const mostInBatch = 2_000;
/** Bytes that may wait in the socket before a batch is dropped. */
const mostWaiting = 4 * 1024 * 1024;
/** Milliseconds of silence after which a comment keeps the connection open. */
const idleMs = 15_000;

export interface Writing {
  /** Waits for the browser; otherwise what a slow browser does not take is dropped and counted. */
  readonly lossless: boolean;
  /** Flows of before that were asked for. All of them together are written at once: the page arranges its map anew for each piece. */
  readonly last: number;
}

/**
 * Writes a stream of responses as Server-Sent Events until it ends or the browser goes:
 * `flows` (one JSON flow a line), `lost` ({browser, server}: flows lost towards the browser and before Hubble), `fault` ({message, retry}) and `end`.
 */
export async function writeFlows(
  response: ServerResponse,
  flows: OpenFlows,
  { lossless, last }: Writing,
): Promise<void> {
  const batch = createBatch(response);
  let came = 0;
  let opening: NodeJS.Timeout | undefined;
  let timer: NodeJS.Timeout | undefined;
  const opened = (): void => {
    clearTimeout(opening);
    clearTimeout(latest);
    timer ??= setInterval(batch.flush, batchMs);
    batch.flush();
  };
  const latest = setTimeout(opened, latestMs);
  opening = setTimeout(opened, openingMs);
  response.once('close', flows.cancel);
  try {
    for await (const message of flows) {
      if (response.destroyed) return;
      if (lossless && batch.isFull()) {
        batch.flush();
        if (response.writableNeedDrain) await drained(response);
      }
      batch.add(message);
      came++;
      if (timer) continue;
      clearTimeout(opening);
      if (came >= last) opened();
      else opening = setTimeout(opened, openingMs);
    }
    batch.flush();
    writeEvent(response, 'end', '{}');
  } catch (error) {
    batch.flush();
    writeFault(response, error instanceof Error ? error.message : String(error), isPassing(error));
  } finally {
    clearTimeout(opening);
    clearTimeout(latest);
    clearInterval(timer);
    flows.cancel();
    response.end();
  }
}

/** Resolves when the browser has taken what was written, or has gone. */
async function drained(response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once('close', leave);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } catch {
    // It has gone, which the loop sees by itself.
  } finally {
    response.off('close', leave);
  }
}

export function writeFault(response: ServerResponse, message: string, retry: boolean): void {
  writeEvent(response, 'fault', JSON.stringify({ message, retry }));
}

function writeEvent(response: ServerResponse, name: string, data: string): void {
  if (!response.writable) return;
  response.write(`event: ${name}\ndata: ${data}\n\n`);
}

interface Batch {
  readonly add: (message: GetFlowsResponse) => void;
  readonly isFull: () => boolean;
  readonly flush: () => void;
}

function createBatch(response: ServerResponse): Batch {
  let lines: string[] = [];
  let lostToBrowser = 0;
  let lostToServer = 0;
  let told = 0;
  let writtenAt = Date.now();
  return {
    isFull: () => lines.length >= mostInBatch,
    add({ flow, lost_events: lost }) {
      if (lost) lostToServer += toNumber(lost.num_events_lost ?? 0);
      if (!flow) return;
      if (lines.length >= mostInBatch) lostToBrowser++;
      else lines.push(printJson('flow.Flow', flow));
    },
    flush() {
      const now = Date.now();
      if (response.writableLength > mostWaiting) {
        lostToBrowser += lines.length;
        lines = [];
        return;
      }
      if (lines.length > 0) writeEvent(response, 'flows', lines.join('\ndata: '));
      else if (now - writtenAt > idleMs) response.write(': nothing new\n\n');
      else if (lostToBrowser + lostToServer === told) return;
      writtenAt = now;
      lines = [];
      if (lostToBrowser + lostToServer === told) return;
      told = lostToBrowser + lostToServer;
      writeEvent(response, 'lost', JSON.stringify({ browser: lostToBrowser, server: lostToServer }));
    },
  };
}
