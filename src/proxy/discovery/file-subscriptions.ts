import type { FileSource } from '../config/config-source.ts';
import { FileSubscription, type FileSubscriptionOptions } from './file-subscription.ts';

/** The files that resources come from, one subscription for each type and file. */
export class FileSubscriptions {
  readonly #open = new Map<string, FileSubscription>();
  readonly #options: Pick<FileSubscriptionOptions, 'onUpdate' | 'onRefusal'>;

  constructor(options: Pick<FileSubscriptionOptions, 'onUpdate' | 'onRefusal'>) {
    this.#options = options;
  }

  /** Takes all resources of a type from a file. */
  wantAll(url: string, source: FileSource): void {
    void this.#at(url, source).want();
  }

  /** Takes those by name, each from its file; files that nothing is wanted from are left. */
  want(url: string, wanted: ReadonlyMap<string, FileSource>): void {
    const byFile = new Map<string, { readonly source: FileSource; readonly names: string[] }>();
    for (const [name, source] of wanted) {
      const key = keyOf(url, source);
      const one = byFile.get(key) ?? { source, names: [] };
      one.names.push(name);
      byFile.set(key, one);
    }
    for (const [key, subscription] of this.#open) {
      if (!key.startsWith(`${url} `) || byFile.has(key)) continue;
      subscription.close();
      this.#open.delete(key);
    }
    for (const { source, names } of byFile.values()) void this.#at(url, source).want(names);
  }

  close(): void {
    for (const subscription of this.#open.values()) subscription.close();
    this.#open.clear();
  }

  #at(url: string, source: FileSource): FileSubscription {
    const key = keyOf(url, source);
    const subscription = this.#open.get(key) ?? new FileSubscription({ ...this.#options, source, url });
    this.#open.set(key, subscription);
    return subscription;
  }
}

const keyOf = (url: string, { path, directory }: FileSource): string => `${url} ${directory} ${path}`;
