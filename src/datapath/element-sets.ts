/** Contents of the table's sets and maps by set name: element key to map value, `''` in plain sets. Both in nft's notation. */
export class ElementSets {
  readonly sets = new Map<string, Map<string, string>>();

  /** Adds or replaces one element. */
  add(set: string, key: string, value = ''): void {
    this.#of(set).set(key, value);
  }

  /** Adds one element unless the key is taken. */
  addFirst(set: string, key: string, value = ''): void {
    const elements = this.#of(set);
    if (!elements.has(key)) elements.set(key, value);
  }

  #of(set: string): Map<string, string> {
    let elements = this.sets.get(set);
    if (!elements) {
      elements = new Map();
      this.sets.set(set, elements);
    }
    return elements;
  }
}
