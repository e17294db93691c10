/** Audiences of which a token must name one. A scheme of HTTP before a name and a slash behind it do not count. */
export class AudienceList {
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(bare));
  }

  /** An empty list allows all. */
  allows(audiences: readonly string[]): boolean {
    return this.#names.size === 0 || audiences.some((audience) => this.#names.has(bare(audience)));
  }
}

const bare = (audience: string): string => audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
