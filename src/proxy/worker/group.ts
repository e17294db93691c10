import type { Issue, Logger } from '../../base/index.ts';
import { addHostCounts, countHosts, type HostCounts } from '../cluster/host-counts.ts';
import type { Sample } from '../stats/kind.ts';
import { mergeSamples } from '../stats/merge.ts';
import { type Change, inverseOf, keyOf } from './change.ts';
import type { Command } from './command.ts';
import type { Engine } from './engine.ts';
import type { ListeningDescriptor } from './protocol.ts';
import type { Remote } from './remote.ts';

/** All workers of the proxy. The first runs in the main thread and speaks for all. */
export interface Workers {
  readonly first: Engine;
  readonly count: number;
  /**
   * Puts changes into force, each in every worker or in none, and gives the issues of each. Calls are worked off one after
   * the other.
   */
  apply(changes: readonly Change[]): Promise<readonly (readonly Issue[])[]>;
  /** Values of all workers, added up; with `usedOnly` those that never changed may be missing. */
  stats(usedOnly?: boolean): Promise<readonly Sample[]>;
  /** Of all sockets that listen; they stay the workers'. */
  descriptors(): Promise<readonly ListeningDescriptor[]>;
  hostCounts(): Promise<ReadonlyMap<string, HostCounts>>;
  command(command: Command): Promise<void>;
  stop(drainMs: number): Promise<void>;
}

export function createWorkers(first: Engine, remotes: readonly Remote[], log: Logger): Workers {
  /** What is in force, to go back to; kept only where workers could come to differ. */
  const inForce = new Map<string, Change>();
  let last: Promise<unknown> = Promise.resolve();

  async function applyAll(changes: readonly Change[]): Promise<readonly (readonly Issue[])[]> {
    const results: (readonly Issue[])[] = [];
    const accepted: { readonly change: Change; readonly at: number }[] = [];
    for (const [at, change] of changes.entries()) {
      const outcome = first.apply(change);
      const issues = outcome instanceof Promise ? await outcome : outcome;
      results.push(issues);
      if (issues.length === 0) accepted.push({ change, at });
    }
    if (remotes.length > 0 && accepted.length > 0) await follow(accepted, results);
    await first.settle();
    return results;
  }

  /** The others take over what the first has accepted; what one of them cannot take is taken back everywhere. */
  async function follow(
    accepted: readonly { readonly change: Change; readonly at: number }[],
    results: (readonly Issue[])[],
  ): Promise<void> {
    const answers = await Promise.all(
      remotes.map((remote) => remote.apply(accepted.map(({ change }) => forOthers(first, change)))),
    );
    for (const [index, { change, at }] of accepted.entries()) {
      const issues = answers.map((answer) => answer[index] ?? []).find((found) => found.length > 0);
      if (!issues) {
        if (change.kind === 'remove') inForce.delete(keyOf(change));
        else inForce.set(keyOf(change), change);
        continue;
      }
      results[at] = issues;
      const inverse = inverseOf(change, inForce.get(keyOf(change)));
      if (!inverse) continue;
      log.warn({ resource: keyOf(change) }, 'a worker refused what the first accepted; taken back');
      await first.apply(inverse);
      await Promise.all(remotes.map((remote) => remote.apply([forOthers(first, inverse)])));
    }
  }

  return {
    first,
    count: remotes.length + 1,
    apply: (changes) => {
      const result = last.then(() => applyAll(changes));
      last = result.catch(() => undefined);
      return result;
    },
    stats: async (usedOnly = false) => {
      const others = await Promise.all(remotes.map((remote) => remote.stats()));
      // What the first has not used another may have.
      return mergeSamples([first.stats.read(usedOnly && others.length === 0), ...others]);
    },
    descriptors: async () => {
      const others = await Promise.all(remotes.map((remote) => remote.descriptors()));
      return [first.listeners.all().flatMap((listener) => listener.descriptors()), ...others].flat();
    },
    hostCounts: async () => {
      const others = await Promise.all(remotes.map((remote) => remote.hostCounts()));
      return addHostCounts([countHosts(first.clusters), ...others]);
    },
    command: async (command) => {
      await first.command(command);
      await Promise.all(remotes.map((remote) => remote.command(command)));
    },
    stop: async (drainMs) => {
      await Promise.all([first.stop(drainMs), ...remotes.map((remote) => remote.stop(drainMs))]);
    },
  };
}

/**
 * Another worker binds the addresses that the first got, also where the kernel chose the port, or shares its socket. What it uses of a
 * cluster it counts where the first does.
 */
function forOthers(first: Engine, change: Change): Change {
  const name = change.kind === 'remove' ? '' : String(change.json['name'] ?? '');
  if (change.kind === 'cluster') {
    const memory = first.clusters.memoryOf(name);
    return memory ? { ...change, memory } : change;
  }
  if (change.kind !== 'listener') return change;
  const listener = first.listeners.get(name);
  return listener ? { ...change, sockets: listener.shareSockets() } : change;
}
