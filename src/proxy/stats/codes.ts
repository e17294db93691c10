/** Responses by status code, from 100 to 599. */
export class CodeCounts {
  completed = 0;
  /** By code less 100; undefined: it never occurred. */
  #counts: (number | undefined)[] | undefined = undefined;

  count(status: number): void {
    this.completed++;
    this.#counts ??= new Array<number | undefined>(500).fill(undefined);
    const at = status - 100;
    if (at >= 0 && at < 500) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Codes that occurred stay known. */
  reset(): void {
    this.completed = 0;
    this.#counts = this.#counts?.map((count) => (count === undefined ? undefined : 0));
  }

  get used(): boolean {
    return this.#counts !== undefined;
  }

  /** Codes that occurred, with their number since the last reset. */
  codes(): readonly (readonly [number, number])[] {
    return (this.#counts ?? []).flatMap((count, at) => (count === undefined ? [] : [[at + 100, count] as const]));
  }

  /** Number of codes of a class such as 2 for 2xx; undefined when none occurred. */
  ofClass(digit: number): number | undefined {
    const known = (this.#counts ?? []).slice(digit * 100 - 100, digit * 100).filter((count) => count !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
  }
}
