import type { MonitorAggregation } from '../plan/index.ts';
import type { Ruleset } from './compile.ts';
import { skeleton, table } from './skeleton.ts';

export const emptyRuleset: Ruleset = { chains: new Map(), sets: new Map() };

export interface Transaction {
  /** nft commands, one kernel transaction; empty when nothing changes. */
  readonly commands: string;
  readonly added: number;
  readonly removed: number;
}

/** Replaces the table, whatever is there, by skeleton and elements. */
export function replaceAll(next: Ruleset, aggregation: MonitorAggregation): Transaction {
  const elements = difference(emptyRuleset, next);
  return {
    ...elements,
    commands: `add table ${table}\ndelete table ${table}\n${skeleton(aggregation)}${elements.commands}`,
  };
}

/** What leads from one set of elements to another: nothing else is touched, so counters and other elements stay. */
export function difference(before: Ruleset, next: Ruleset): Transaction {
  const lines: string[] = [];
  let added = 0;
  let removed = 0;
  for (const [name, rules] of next.chains) {
    if (before.chains.has(name)) continue;
    lines.push(`add chain ${table} ${name}`, ...rules.map((rule) => `add rule ${table} ${name} ${rule}`));
  }
  const names = new Set([...before.sets.keys(), ...next.sets.keys()]);
  const additions: string[] = [];
  for (const name of names) {
    const change = elementChange(before.sets.get(name) ?? new Map(), next.sets.get(name) ?? new Map());
    removed += change.removed.length;
    added += change.added.length;
    if (change.removed.length > 0) lines.push(`delete element ${table} ${name} { ${change.removed.join(', ')} }`);
    if (change.added.length > 0) additions.push(`add element ${table} ${name} { ${change.added.join(', ')} }`);
  }
  lines.push(...additions);
  for (const name of before.chains.keys()) {
    if (!next.chains.has(name)) lines.push(`flush chain ${table} ${name}`, `delete chain ${table} ${name}`);
  }
  return { commands: lines.length === 0 ? '' : `${lines.join('\n')}\n`, added, removed };
}

function elementChange(
  before: ReadonlyMap<string, string>,
  next: ReadonlyMap<string, string>,
): { added: string[]; removed: string[] } {
  const added: string[] = [];
  const removed: string[] = [];
  for (const [key, value] of before) if (next.get(key) !== value) removed.push(element(key, value));
  for (const [key, value] of next) if (before.get(key) !== value) added.push(element(key, value));
  return { added, removed };
}

function element(key: string, value: string): string {
  return value === '' ? key : `${key} : ${value}`;
}

/** Elements of one part of a split replacement; rootless, the kernel takes about 200 KiB at once. */
const partElements = 1000;

/**
 * The same replacement in parts, for where the kernel does not take it in one. The set that lets pods send at all is filled
 * last, so that between the parts nothing passes that the whole would not let pass.
 */
export function replaceInParts(next: Ruleset, aggregation: MonitorAggregation): string[] {
  const chains = difference(emptyRuleset, { chains: next.chains, sets: new Map() }).commands;
  const parts = [`add table ${table}\ndelete table ${table}\n${skeleton(aggregation)}${chains}`];
  const gate = 'endpoint_links';
  const order = [...next.sets.keys()].filter((name) => name !== gate);
  for (const name of [...order, gate]) {
    const elements = [...(next.sets.get(name) ?? [])].map(([key, value]) => element(key, value));
    for (let from = 0; from < elements.length; from += partElements) {
      parts.push(`add element ${table} ${name} { ${elements.slice(from, from + partElements).join(', ')} }\n`);
    }
  }
  return parts;
}
