/** The same sequence for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** Changes a text in one to four places: bytes, runs of bytes, and words of `words`. */
export function mutate(random: Random, text: string, other: string, words: readonly string[]): string {
  let out = text;
  for (let round = 1 + random.below(4); round > 0; round--) {
    const at = random.below(out.length + 1);
    const size = random.chance(0.5) ? 1 : random.below(16);
    const before = out.slice(0, at);
    switch (random.below(7)) {
      case 0:
        out = before + String.fromCharCode(random.below(256)) + out.slice(at + 1);
        break;
      case 1:
        out = before + out.slice(at + size);
        break;
      case 2:
        out = before + random.pick(words) + out.slice(at);
        break;
      case 3:
        out = before + random.pick(words) + out.slice(at + size);
        break;
      case 4:
        out = before + out.slice(at, at + size).repeat(random.chance(0.02) ? 200 : 2) + out.slice(at + size);
        break;
      case 5:
        out = before + other.slice(random.below(other.length + 1));
        break;
      default:
        out = before + random.pick(['\r', '\n', '\r\n', ' ', '\t', '\0', ':', ',', ';', '%', '"', '0']) + out.slice(at);
    }
  }
  return out.slice(0, 20_000);
}
