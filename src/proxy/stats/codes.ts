/** Responses by status code, from 100 to 599. */
export class CodeCounts {
  completed = 0;
  #counts: number[] | undefined = undefined;

  count(status: number): void {
    this.completed++;
    this.#counts ??= new Array<number>(500).fill(0);
    const at = status - 100;
    if (at >= 0 && at < 500) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  reset(): void {
    this.completed = 0;
    this.#counts?.fill(0);
  }

  /** Codes that occurred, with their number. */
  codes(): readonly (readonly [number, number])[] {
    return (this.#counts ?? []).flatMap((count, at) => (count > 0 ? [[at + 100, count] as const] : []));
  }

  /** Number of codes of a class such as 2 for 2xx. */
  ofClass(digit: number): number {
    let sum = 0;
    for (let at = digit * 100 - 100; at < digit * 100; at++) sum += this.#counts?.[at] ?? 0;
    return sum;
  }
}
