/** Stops on a broken invariant: a bug of ours, never a user's mistake. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
