import { probe } from '../policy/index.ts';

/** Where proxy listeners without an address of their own listen, both included. */
const proxyPortRange = { first: 10_000, last: 20_000 } as const;

/**
 * Gives each listener a port: the one it had, else one picked by its name. Ports of listeners that are gone are not given
 * out again in the same step, because their connections may still be ending.
 * @param reserved ports that listeners with an address of their own use
 */
export function allocatePorts(
  names: Iterable<string>,
  previous: ReadonlyMap<string, number>,
  reserved: ReadonlySet<number>,
): ReadonlyMap<string, number> {
  const { first, last } = proxyPortRange;
  const wanted = [...new Set(names)].sort();
  const ports = new Map<string, number>();
  const taken = new Set([...reserved, ...previous.values()]);
  for (const name of wanted) {
    const port = previous.get(name);
    if (port !== undefined && !reserved.has(port)) ports.set(name, port);
  }
  for (const name of wanted) {
    if (ports.has(name)) continue;
    const port = probe(name, first, last - first + 1, taken);
    if (port === undefined) continue;
    ports.set(name, port);
    taken.add(port);
  }
  return new Map([...ports].sort(([a], [b]) => (a < b ? -1 : 1)));
}
