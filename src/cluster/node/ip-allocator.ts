import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addressAt } from './addresses.ts';

/** Pod addresses of one node. An owner keeps its address over restarts; a freed one is used again last. */
export interface IpAllocator {
  /** The owner's address, a new one if it has none; undefined when the range is used up. */
  allocate(owner: string): string | undefined;
  release(owner: string): void;
  /** Frees the addresses of owners that are gone. */
  retain(owners: ReadonlySet<string>): void;
}

interface Saved {
  readonly next: number;
  readonly leases: Readonly<Record<string, number>>;
}

/** Opens the allocator of a range; its state lives in `file`, and a file that cannot be read as such starts empty. */
export function openIpAllocator(file: string, range: { readonly first: string; readonly size: number }): IpAllocator {
  const saved = load(file, range.size);
  const leases = new Map(Object.entries(saved.leases));
  let next = saved.next;
  mkdirSync(path.dirname(file), { recursive: true });

  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify({ next, leases: Object.fromEntries(leases) }));
    renameSync(`${file}.new`, file);
  };

  return {
    allocate(owner) {
      const held = leases.get(owner);
      if (held !== undefined) return addressAt(range.first, held);
      if (leases.size >= range.size) return undefined;
      const used = new Set(leases.values());
      while (used.has(next)) next = (next + 1) % range.size;
      const offset = next;
      next = (next + 1) % range.size;
      leases.set(owner, offset);
      save();
      return addressAt(range.first, offset);
    },
    release(owner) {
      if (leases.delete(owner)) save();
    },
    retain(owners) {
      const before = leases.size;
      for (const owner of leases.keys()) if (!owners.has(owner)) leases.delete(owner);
      if (leases.size !== before) save();
    },
  };
}

function load(file: string, size: number): Saved {
  const empty: Saved = { next: 0, leases: {} };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return empty;
  }
  const { next, leases } = (value ?? {}) as { next?: unknown; leases?: unknown };
  const fits = (offset: unknown): boolean => Number.isInteger(offset) && Number(offset) >= 0 && Number(offset) < size;
  if (!fits(next) || typeof leases !== 'object' || leases === null) return empty;
  return Object.values(leases).every(fits) ? (value as Saved) : empty;
}
