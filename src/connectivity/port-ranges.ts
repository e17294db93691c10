import type { ConnectivityTest } from './model.ts';

/** The ranges that cilium-cli's manifests have in the place of ports; port 53 stays one. */
const ranges: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['8080', [4096, 8191]],
  ['80', [64, 127]],
  ['443', [256, 511]],
]);

/** The test and a second one, `NAME-port-range`, whose policies have ranges in the place of ports. */
export function withPortRange(test: ConnectivityTest): ConnectivityTest[] {
  return [test, { ...test, name: `${test.name}-port-range`, portRanges: true }];
}

/** A manifest with ranges in the place of its ports. Numbers stay numbers, as NetworkPolicy wants them, and texts texts. */
export function widenPorts<T>(manifest: T): T {
  return widen(manifest) as T;
}

function widen(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(widen);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, widen(item)] as const);
  const widened: Record<string, unknown> = Object.fromEntries(entries);
  const { port } = widened;
  const range = typeof port === 'string' || typeof port === 'number' ? ranges.get(String(port)) : undefined;
  if (!range) return widened;
  const [first, last] = range;
  return { ...widened, port: typeof port === 'number' ? first : String(first), endPort: last };
}
