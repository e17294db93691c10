/** What a check found: `active`: an answer that says no; `retriable`: one that says so only when it goes on. */
export type CheckResult = 'healthy' | 'degraded' | 'failed' | 'retriable' | 'network';

/** Asks one host for its health, over a connection that it may keep between checks. */
export interface Probe {
  /** Begins a check; its result is told once. */
  start(): void;
  /** Ends a check that took too long, or everything: nothing is told any more. */
  abort(): void;
}
