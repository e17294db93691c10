/** The reason of the Kubernetes Status that a store failure carries, or undefined for any other error. */
function reasonOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  const status = error.status;
  if (typeof status !== 'object' || status === null || !('reason' in status)) return undefined;
  return typeof status.reason === 'string' ? status.reason : undefined;
}

export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  const reason = reasonOf(error);
  return reason !== undefined && reasons.includes(reason);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Runs a store call; true when it succeeded, false when it failed with one of `reasons`. Other failures go on. */
export function tolerating(reasons: readonly string[], call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (hasReason(error, ...reasons)) return false;
    throw error;
  }
}
