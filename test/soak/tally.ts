/** What the clients saw. `faults` is what must never be. */
export interface Tally {
  requests: number;
  answered: number;
  /** Answers of the proxy's own while a backend was away. */
  unavailable: number;
  /** Connections that ended under a request, as they may when a backend dies in the middle of its answer. */
  cut: number;
  aborted: number;
  tcpBytes: number;
  readonly faults: string[];
}

const maxFaults = 100;

export const newTally = (): Tally => ({
  requests: 0,
  answered: 0,
  unavailable: 0,
  cut: 0,
  aborted: 0,
  tcpBytes: 0,
  faults: [],
});

export function fault(tally: Tally, text: string): void {
  if (tally.faults.length < maxFaults) tally.faults.push(text);
}
