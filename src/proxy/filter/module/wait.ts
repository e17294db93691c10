/** The outcome of `promise`, or an error with `message` after so many milliseconds. What it does later is nobody's business. */
export async function deadlineOf<T>(promise: Promise<T>, milliseconds: number, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  promise.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a hook gave as a promise, where it is something to wait for. A promise of Node's own does as it is told. */
export function promiseOf(value: unknown): Promise<unknown> | undefined {
  if (value instanceof Promise) return Promise.resolve(value);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || !('then' in value))
    return undefined;
  return Promise.resolve(value);
}
