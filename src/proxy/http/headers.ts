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
  /** In arrival order; to be read only. */
  readonly names: string[] = [];
  readonly values: string[] = [];
  /** How names are written where a listener or cluster preserves their case. */
  spelling: Spelling | undefined = undefined;
  /** One bit for each length, modulo 32, that names have had: most questions are about names that are not there. */
  #lengths = 0;

  get size(): number {
    return this.names.length;
  }

  /** The first value, or undefined. */
  get(name: string): string | undefined {
    const at = this.#find(name, 0);
    return at < 0 ? undefined : this.values[at];
  }

  /** All values, each on a line of its own, as header matchers want them. */
  lines(name: string): string | undefined {
    return this.joined(name, '\n');
  }

  /** All values joined with a comma. */
  joined(name: string, separator = ','): string | undefined {
    const first = this.#find(name, 0);
    if (first < 0) return undefined;
    let value = this.values[first] as string;
    for (let at = this.#find(name, first + 1); at >= 0; at = this.#find(name, at + 1)) {
      value += separator + (this.values[at] as string);
    }
    return value;
  }

  all(name: string): readonly string[] {
    return this.values.filter((_, at) => this.names[at] === name);
  }

  has(name: string): boolean {
    return this.#find(name, 0) >= 0;
  }

  add(name: string, value: string): void {
    this.#lengths |= 1 << name.length;
    this.names.push(name);
    this.values.push(value);
  }

  /** Appends to the first field of that name, which there is, after a comma. */
  append(name: string, value: string): void {
    const at = this.#find(name, 0);
    this.values[at] = `${this.values[at]},${value}`;
  }

  insert(at: number, name: string, value: string): void {
    this.#lengths |= 1 << name.length;
    this.names.splice(at, 0, name);
    this.values.splice(at, 0, value);
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
    const at = this.#find(name, 0);
    if (at < 0) {
      this.add(name, value);
      return;
    }
    this.values[at] = value;
    this.#removeFrom(name, at + 1);
  }

  /** Drops every field of that name and adds one at the end. */
  replace(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  /** Adds to the value of the first field of that name with a comma, or adds a field. */
  join(name: string, value: string): void {
    const at = this.#find(name, 0);
    if (at < 0) this.add(name, value);
    else this.values[at] += `,${value}`;
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
    for (let at = this.names.length - 1; at >= 0; at--) if (drop(this.names[at] as string)) this.#removeAt(at);
  }

  /** Has the fields of another map from now on, and no others; how it writes names stays. */
  assign({ names, values }: HeaderMap): void {
    this.names.length = 0;
    this.values.length = 0;
    for (let at = 0; at < names.length; at++) this.add(names[at] as string, values[at] as string);
  }

  copy(): HeaderMap {
    const out = new HeaderMap();
    out.assign(this);
    out.spelling = this.spelling;
    return out;
  }

  /** Where the next field of that name stands, from `from` on; -1 when there is none. */
  #find(name: string, from: number): number {
    if ((this.#lengths & (1 << name.length)) === 0) return -1;
    const { names } = this;
    for (let at = from; at < names.length; at++) if (names[at] === name) return at;
    return -1;
  }

  #removeFrom(name: string, from: number): void {
    for (let at = this.#find(name, from); at >= 0; at = this.#find(name, at)) this.#removeAt(at);
  }

  #removeAt(at: number): void {
    this.names.splice(at, 1);
    this.values.splice(at, 1);
  }
}
