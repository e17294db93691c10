import { Worker } from 'node:worker_threads';
import type { Issue } from '../../base/index.ts';
import type { GrpcLogSink } from '../accesslog/grpc.ts';
import type { HostCounts } from '../cluster/host-counts.ts';
import type { Sample } from '../stats/kind.ts';
import type { Change } from './change.ts';
import type { Command } from './command.ts';
import type { Answer, ListeningDescriptor, Request, ThreadData, ThreadMessage } from './protocol.ts';

/** A worker in a thread of its own. */
export interface Remote {
  apply(changes: readonly Change[]): Promise<readonly (readonly Issue[])[]>;
  stats(): Promise<readonly Sample[]>;
  descriptors(): Promise<readonly ListeningDescriptor[]>;
  hostCounts(): Promise<ReadonlyMap<string, HostCounts>>;
  command(command: Command): Promise<void>;
  stop(drainMs: number): Promise<void>;
}

/** Young garbage in small steps; a request leaves little behind. */
const YOUNG_MB = 4;

/** What a worker that is busy, or caught in a loop, is waited for; then what it told last is taken, or it is stopped as it is. */
const ANSWER_MS = 2_000;

export interface RemoteOptions {
  readonly data: ThreadData;
  readonly logSink: GrpcLogSink;
  /** The thread ended without having been told to. */
  readonly onDeath: (reason: string) => void;
}

/** Starts a worker thread; resolves when it can take changes. */
export function startRemote({ data, logSink, onDeath }: RemoteOptions): Promise<Remote> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const worker = new Worker(new URL(`./thread${extension}`, import.meta.url), {
    workerData: data,
    name: `worker_${data.worker}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const waiting = new Map<number, (answer: Answer) => void>();
  let next = 0;
  let stopping = false;

  const ask = (request: Request): Promise<Answer> =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      worker.postMessage({ id, request });
    });
  const askWithin = (milliseconds: number, request: Request): Promise<Answer> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Answer>((resolve) => {
      timer = setTimeout(() => resolve({}), milliseconds);
    });
    return Promise.race([ask(request), late]).finally(() => clearTimeout(timer));
  };
  let samples: readonly Sample[] = [];
  let hosts: ReadonlyMap<string, HostCounts> = new Map();

  const remote: Remote = {
    apply: async (changes) => (await ask({ kind: 'apply', changes })).issues ?? [],
    stats: async () => {
      samples = (await askWithin(ANSWER_MS, { kind: 'stats' })).samples ?? samples;
      return samples;
    },
    descriptors: async () => (await askWithin(ANSWER_MS, { kind: 'descriptors' })).descriptors ?? [],
    hostCounts: async () => {
      hosts = (await askWithin(ANSWER_MS, { kind: 'hostCounts' })).hostCounts ?? hosts;
      return hosts;
    },
    command: async (command) => void (await ask({ kind: 'command', command })),
    stop: async (drainMs) => {
      stopping = true;
      await askWithin(drainMs + ANSWER_MS, { kind: 'stop', drainMs });
      await worker.terminate();
    },
  };

  return new Promise((resolve, reject) => {
    let started = false;
    const died = (reason: string): void => {
      if (!started) reject(new Error(reason));
      else if (!stopping) onDeath(reason);
    };
    worker.on('error', (error) => died(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    worker.on('exit', (code) => died(`exit code ${code}`));
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'ready') {
        started = true;
        resolve(remote);
      } else if (message.kind === 'answer') {
        waiting.get(message.id)?.(message.answer);
        waiting.delete(message.id);
      } else {
        const { buffer, byteOffset, byteLength } = message.entries;
        logSink.push(message.config, Buffer.from(buffer, byteOffset, byteLength), byteLength, message.count);
      }
    });
  });
}
