import type { WriteName } from './header-case.ts';

/** How names were written first, by name in lower case. */
interface Spelling {
  readonly written: Map<string, string>;
  readonly added: WriteName | undefined;
}

/**
 * Header fields in arrival order with lower-case names. Values are latin1 strings without surrounding white space.
 * Pseudo headers and `host` are not in it: they are fields of the head.
 */
export class HeaderMap {
  /** Names and values by turns. One array, since the first field makes V8 give it room for eight. */
  readonly #texts: string[] = [];
  /** How names are written where a listener or cluster preserves their case. */
  spelling: Spelling | undefined = undefined;
  /** One bit for each length, modulo 32, that names have had: most questions are about names that are not there. */
  #lengths = 0;

  get size(): number {
    return this.#texts.length >> 1;
  }

  nameAt(at: number): string {
    return this.#texts[2 * at] as string;
  }

  valueAt(at: number): string {
    return this.#texts[2 * at + 1] as string;
  }

  /** Where the next field of that name stands, from `from` on; -1 when there is none. */
  find(name: string, from = 0): number {
    if ((this.#lengths & (1 << name.length)) === 0) return -1;
    const texts = this.#texts;
    for (let at = 2 * from; at < texts.length; at += 2) if (texts[at] === name) return at >> 1;
    return -1;
  }

  /** All fields, name and value. */
  list(): readonly (readonly [string, string])[] {
    return Array.from({ length: this.size }, (_, at) => [this.nameAt(at), this.valueAt(at)] as const);
  }

  /** The first value, or undefined. */
  get(name: string): string | undefined {
    const at = this.find(name);
    return at < 0 ? undefined : this.valueAt(at);
  }

  /** All values, each on a line of its own, as header matchers want them. */
  lines(name: string): string | undefined {
    return this.joined(name, '\n');
  }

  /** All values joined with a comma. */
  joined(name: string, separator = ','): string | undefined {
    const first = this.find(name);
    if (first < 0) return undefined;
    let value = this.valueAt(first);
    for (let at = this.find(name, first + 1); at >= 0; at = this.find(name, at + 1)) {
      value += separator + this.valueAt(at);
    }
    return value;
  }

  all(name: string): readonly string[] {
    const values: string[] = [];
    for (let at = this.find(name); at >= 0; at = this.find(name, at + 1)) values.push(this.valueAt(at));
    return values;
  }

  has(name: string): boolean {
    return this.find(name) >= 0;
  }

  add(name: string, value: string): void {
    this.#lengths |= 1 << name.length;
    this.#texts.push(name, value);
  }

  /** Appends to the first field of that name, which there is, after a comma. */
  append(name: string, value: string): void {
    this.#append(this.find(name), value);
  }

  insert(at: number, name: string, value: string): void {
    this.#lengths |= 1 << name.length;
    this.#texts.splice(2 * at, 0, name, value);
  }

  /** From now on the map remembers how names are written; `added` is for names it did not have. */
  preserve(added: WriteName | undefined): void {
    this.spelling = { written: new Map(), added };
  }

  rememberSpelling(name: string, written: string): void {
    const known = this.spelling?.written;
    if (known && !known.has(name)) known.set(name, written);
  }

  /** Replaces the first field of that name in its place, drops the others, or adds one at the end. */
  set(name: string, value: string): void {
    const at = this.find(name);
    if (at < 0) {
      this.add(name, value);
      return;
    }
    this.#texts[2 * at + 1] = value;
    this.#removeFrom(name, at + 1);
  }

  /** Drops every field of that name and adds one at the end. */
  replace(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** Adds to the value of the first field of that name with a comma, or adds a field. */
  join(name: string, value: string): void {
    const at = this.find(name);
    if (at < 0) this.add(name, value);
    else this.#append(at, value);
  }

  /** Makes one field of all of that name, in the place of the first, with a comma between their values. */
  merge(name: string): void {
    const value = this.joined(name);
    if (value !== undefined) this.set(name, value);
  }

  remove(name: string): void {
    this.#removeFrom(name, 0);
  }

  removeWhere(drop: (name: string) => boolean): void {
    for (let at = this.size - 1; at >= 0; at--) if (drop(this.nameAt(at))) this.#removeAt(at);
  }

  /** Has the fields of another map from now on, and no others; how it writes names stays. */
  assign(other: HeaderMap): void {
    this.#texts.length = 0;
    for (let at = 0; at < other.size; at++) this.add(other.nameAt(at), other.valueAt(at));
  }

  copy(): HeaderMap {
    const out = new HeaderMap();
    out.assign(this);
    out.spelling = this.spelling;
    return out;
  }

  #append(at: number, value: string): void {
    this.#texts[2 * at + 1] += `,${value}`;
  }

  #removeFrom(name: string, from: number): void {
    for (let at = this.find(name, from); at >= 0; at = this.find(name, at)) this.#removeAt(at);
  }

  #removeAt(at: number): void {
    this.#texts.splice(2 * at, 2);
  }
}
