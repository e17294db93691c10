import type { HubbleClient } from '../hubble/index.ts';
import type { KubeClient } from '../kube/index.ts';

/** What a command in a pod did. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Everything that the test engine touches of the world. */
export interface Edges {
  readonly kube: KubeClient;
  /** Runs a command in a pod's first container; rejects with a one-line message when it cannot be run. */
  readonly exec: (
    pod: { namespace: string; name: string },
    command: readonly string[],
    timeoutMs: number,
  ) => Promise<CommandResult>;
  /** Connects to Hubble Relay; rejects when there is none. */
  readonly hubble: () => Promise<HubbleClient>;
  readonly write: (text: string) => void;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Resolves after the time or when the run is cancelled. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Why the whole run ends: one line for the user. */
export class RunFault extends Error {}

/** Polls until `done` gives a value. A timeout or a cancelled run throws a `RunFault`. */
export async function until<T>(
  edges: Edges,
  what: string,
  timeoutMs: number,
  done: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = edges.now() + timeoutMs;
  for (;;) {
    if (edges.signal.aborted) throw new RunFault('interrupted');
    const value = await done();
    if (value !== undefined) return value;
    if (edges.now() > deadline) throw new RunFault(`timeout after ${Math.round(timeoutMs / 1000)} s: ${what}`);
    await edges.sleep(pollMs);
  }
}

const pollMs = 50;
