import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { fail, ok, type Result } from '../../base/index.ts';
import type { Workers } from '../worker/group.ts';
import { ImportedStats } from './imported.ts';
import type { InheritedSocket } from './inherited.ts';
import { openMeetingFolder, socketPath } from './place.ts';
import { type Predecessor, takeOver } from './predecessor.ts';
import { awaitSuccessor, type Inheritance, type SuccessorServer } from './successor.ts';

/** What the command line says of hot restart; times in milliseconds. */
export interface HotRestartOptions {
  /** Undefined: one that nobody uses is chosen. */
  readonly baseId: number | undefined;
  /** File that the base ID is written to. */
  readonly baseIdPath: string | undefined;
  /** 0 for the first process, and one more for each that follows. */
  readonly epoch: number;
  readonly parentShutdownMs: number;
  /** A process before that is not there is no fault. */
  readonly withoutParent: boolean;
  readonly withoutParentStats: boolean;
}

/** One process in a row of those that take over from each other. */
export interface HotRestart {
  readonly epoch: number;
  readonly generation: number;
  /** When the first process began, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly sockets: readonly InheritedSocket[];
  readonly imported: ImportedStats;
  /** The same workers, whose statistics have those of the process before in them. */
  countingBefore(workers: Workers): Workers;
  /** From now on a successor may take over. */
  serve(host: Omit<Inheritance, 'generation' | 'startedAt'>): Promise<Result<void, string>>;
  /** This process serves: the one before drains, and ends when its time is over. */
  live(): void;
  close(): Promise<void>;
}

const BASE_IDS = 0x7fff_ffff;
const DYNAMIC_TRIES = 16;

/** Finds the process before, where there has to be one, and takes its sockets over; the error says why that cannot be. */
export async function openHotRestart(options: HotRestartOptions): Promise<Result<HotRestart, string>> {
  const folder = await openMeetingFolder();
  if (!folder.ok) return folder;
  const { epoch, parentShutdownMs, withoutParent } = options;
  if (options.baseId === undefined && epoch > 0)
    return fail('a base ID that is chosen anew has no process before: give --base-id');
  const before = epoch > 0 ? takeOver(socketPath(folder.value, options.baseId ?? 0, epoch - 1)) : undefined;
  if (before && !before.ok && !withoutParent) return fail(`the process of epoch ${epoch - 1}: ${before.error}`);
  const predecessor = before?.ok ? before.value : undefined;
  const imported = new ImportedStats();
  let server: SuccessorServer | undefined;
  let ending: NodeJS.Timeout | undefined;
  const refresh = async (): Promise<void> => {
    if (predecessor && !options.withoutParentStats) imported.take(await predecessor.stats());
  };
  const generation = (predecessor?.generation ?? 0) + 1;
  const startedAt = predecessor?.startedAt ?? Date.now();
  return ok({
    epoch,
    generation,
    startedAt,
    sockets: predecessor?.sockets ?? [],
    imported,
    countingBefore: (workers) => countingBefore(workers, imported, refresh),
    serve: async (host) => {
      const opened = await openServer(folder.value, options, { ...host, generation, startedAt });
      if (opened.ok) server = opened.value;
      return opened.ok ? ok(undefined) : opened;
    },
    live: () => {
      predecessor?.drain();
      if (predecessor) ending = setTimeout(() => void endPredecessor(predecessor, refresh), parentShutdownMs).unref();
    },
    close: async () => {
      clearTimeout(ending);
      predecessor?.close();
      await server?.close();
    },
  });
}

/** Its last counters are taken along. */
async function endPredecessor(predecessor: Predecessor, refresh: () => Promise<void>): Promise<void> {
  await refresh();
  predecessor.end();
}

function countingBefore(workers: Workers, imported: ImportedStats, refresh: () => Promise<void>): Workers {
  return {
    ...workers,
    stats: async () => {
      await refresh();
      return imported.addTo(await workers.stats());
    },
    command: async (command) => {
      if (command.kind === 'resetCounters') imported.reset();
      await workers.command(command);
    },
  };
}

async function openServer(
  folder: string,
  { baseId, baseIdPath, epoch }: HotRestartOptions,
  inheritance: Inheritance,
): Promise<Result<SuccessorServer, string>> {
  for (let tries = 0; ; tries++) {
    const id = baseId ?? randomInt(BASE_IDS);
    const opened = await awaitSuccessor(socketPath(folder, id, epoch), inheritance);
    if (opened.ok && baseIdPath !== undefined) await writeFile(baseIdPath, String(id));
    if (opened.ok || baseId !== undefined || tries >= DYNAMIC_TRIES) return opened;
  }
}
