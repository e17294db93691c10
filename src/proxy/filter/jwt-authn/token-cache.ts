import type { Jwt } from './jwt.ts';

/** Tokens whose signatures were right, the one that was asked for longest ago first. */
export class TokenCache {
  readonly #tokens = new Map<string, Jwt>();
  readonly #limits: { readonly size: number; readonly maxToken: number } | undefined;

  /** Undefined: nothing is kept. */
  constructor(limits: { readonly size: number; readonly maxToken: number } | undefined) {
    this.#limits = limits;
  }

  find(text: string): Jwt | undefined {
    const known = this.#tokens.get(text);
    if (!known) return undefined;
    this.#tokens.delete(text);
    this.#tokens.set(text, known);
    return known;
  }

  keep(text: string, jwt: Jwt): void {
    if (!this.#limits || text.length > this.#limits.maxToken) return;
    this.#tokens.set(text, jwt);
    if (this.#tokens.size <= this.#limits.size) return;
    const [oldest] = this.#tokens.keys();
    if (oldest !== undefined) this.#tokens.delete(oldest);
  }
}
