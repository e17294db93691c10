import { performance } from 'node:perf_hooks';
import type { Logger, Result } from '../base/index.ts';
import {
  createLearntNames,
  type LearntNames,
  type LearntRecord,
  readLearntFile,
  writeLearntFile,
} from '../dns/index.ts';

export interface DnsMemoryOptions {
  /** Where what was learnt survives a restart. */
  readonly file: string;
  readonly minTtlSeconds: () => number;
  /** Pairs `ENDPOINT ADDRESS` of the connections that are open, of those that are asked for. */
  readonly connections: (
    isWanted: (endpoint: string, address: string) => boolean,
  ) => Promise<Result<ReadonlySet<string>, string>>;
  /** Names have lost addresses. */
  readonly onExpired: () => void;
  readonly log: Logger;
}

/** The names that endpoints have learnt, over time and over restarts. */
export interface DnsMemory extends Pick<LearntNames, 'learn' | 'names' | 'namesOf' | 'keepEndpoints'> {
  /** What each endpoint knows now. */
  records(): readonly LearntRecord[];
  /** Writes what is not written yet. */
  stop(): Promise<void>;
}

const limits = { addressesPerName: 1_000, deferredPerEndpoint: 10_000, addressesPerEndpoint: 20_000 };
const expiryIntervalMs = 1_000;
/** Cilium asks the connection table once a minute. */
const connectionsIntervalMs = 5_000;
const writeDelayMs = 100;

export async function createDnsMemory(options: DnsMemoryOptions): Promise<DnsMemory> {
  const { file, log, onExpired } = options;
  const learnt = createLearntNames(limits, options.minTtlSeconds);
  const kept = await readLearntFile(file, Date.now());
  if (kept.ok) learnt.restore(kept.value, performance.now());
  else log.error({ error: kept.error }, 'the names learnt before the restart cannot be read; starting with none');

  let writing: Promise<void> = Promise.resolve();
  let writeTimer: NodeJS.Timeout | undefined;
  const write = (): void => {
    writeTimer = undefined;
    writing = writing
      .then(() => writeLearntFile(file, learnt.records(performance.now()), Date.now()))
      .catch((error: unknown) => log.error({ error: String(error) }, 'learnt names could not be written'));
  };
  const changed = (): void => {
    writeTimer ??= setTimeout(write, writeDelayMs);
  };

  let askedMs = Number.NEGATIVE_INFINITY;
  let asking = false;
  let hasFailed = false;
  const expire = async (): Promise<void> => {
    const nowMs = performance.now();
    if (!learnt.expire(nowMs) || asking || nowMs - askedMs < connectionsIntervalMs) return;
    askedMs = nowMs;
    asking = true;
    const wanted = learnt.deferred();
    const open = await options.connections((endpoint, address) => wanted.has(`${endpoint} ${address}`));
    asking = false;
    if (!open.ok && !hasFailed) log.warn({ error: open.error }, 'names expire without regard to open connections');
    hasFailed = !open.ok;
    const pairs: ReadonlySet<string> = open.ok ? open.value : new Set();
    // What was set aside while the table was read waits for the next reading.
    const isKept = (pair: string) => pairs.has(pair) || !wanted.has(pair);
    if (!learnt.release((endpoint, address) => isKept(`${endpoint} ${address}`))) return;
    changed();
    onExpired();
  };
  const expiry = setInterval(() => void expire(), expiryIntervalMs);

  return {
    names: learnt.names,
    namesOf: learnt.namesOf,
    records: () => learnt.records(performance.now()),
    learn: (answer) => {
      const isNew = learnt.learn(answer);
      changed();
      return isNew;
    },
    keepEndpoints: (present) => {
      const hasLost = learnt.keepEndpoints(present);
      if (hasLost) changed();
      return hasLost;
    },
    stop: async () => {
      clearInterval(expiry);
      if (writeTimer) {
        clearTimeout(writeTimer);
        write();
      }
      await writing;
    },
  };
}
