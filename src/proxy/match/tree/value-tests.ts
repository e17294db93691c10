import net from 'node:net';
import type { Fields, JsonValue } from '../../config/fields.ts';
import { hash64, toBigInt, xxHash64 } from '../../hash/xxhash64.ts';
import { readRuntimeFraction } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { StatsScope } from '../../stats/store.ts';
import { cidrSet, readCidr } from '../cidr.ts';
import { readValueMatcher } from '../metadata.ts';

/** A test of what an input gives, for one kind of values. */
export type ValueTest =
  | { readonly kind: 'text'; readonly passes: (value: string) => boolean }
  | { readonly kind: 'metadata'; readonly passes: (value: JsonValue | undefined) => boolean };

interface ValueTestContext {
  readonly runtime: Runtime;
  readonly stats: StatsScope;
}

class IpStats {
  failed = 0;
}

const IP_STATS = statsKind(IpStats, { failed: counter('ip_parsing_failed') });
/** A multiple of all denominators of a fraction. */
const MILLION = 1_000_000n;

const READERS: ReadonlyMap<string, (fields: Fields, context: ValueTestContext) => ValueTest> = new Map([
  ['envoy.extensions.matching.input_matchers.ip.v3.Ip', readIp],
  ['envoy.extensions.matching.input_matchers.consistent_hashing.v3.ConsistentHashing', readConsistentHashing],
  ['envoy.extensions.matching.input_matchers.runtime_fraction.v3.RuntimeFraction', readFraction],
  ['envoy.extensions.matching.input_matchers.metadata.v3.Metadata', readMetadata],
]);

/** Full names of the configuration messages of `custom_match`. */
export const VALUE_TESTS: readonly string[] = [...READERS.keys()];

export function readValueTest(fields: Fields, type: string, context: ValueTestContext): ValueTest | undefined {
  return READERS.get(type)?.(fields, context);
}

function readIp(fields: Fields, { stats }: ValueTestContext): ValueTest {
  const ranges = fields.list('cidr_ranges', readCidr).filter((one) => one !== undefined);
  if (ranges.length === 0) fields.problem('cidr_ranges', 'value must contain at least 1 item(s)');
  const counters = stats.get(IP_STATS, `${fields.required('stat_prefix')}.`);
  const holds = cidrSet(ranges);
  return {
    kind: 'text',
    passes: (value) => {
      if (net.isIP(value) !== 0) return holds(value);
      if (value !== '') counters.failed++;
      return false;
    },
  };
}

function hashOf(value: string, seed: bigint): bigint {
  return toBigInt(xxHash64(Buffer.from(value, 'latin1'), hash64(seed)));
}

function readSeed(fields: Fields): bigint {
  return BigInt(String(fields.raw('seed') ?? 0));
}

function readConsistentHashing(fields: Fields): ValueTest {
  const threshold = BigInt(fields.number('threshold') ?? 0);
  const modulo = BigInt(fields.number('modulo') ?? 0);
  const seed = readSeed(fields);
  if (modulo === 0n) {
    fields.problem('modulo', 'value must be greater than 0');
    return { kind: 'text', passes: () => false };
  }
  if (threshold > modulo)
    fields.problem('threshold', `threshold cannot be greater than modulo: ${threshold} > ${modulo}`);
  return { kind: 'text', passes: (value) => hashOf(value, seed) % modulo >= threshold };
}

function readFraction(fields: Fields, { runtime }: ValueTestContext): ValueTest {
  const seed = readSeed(fields);
  const happens = fields.message('runtime_fraction', (inner) => readRuntimeFraction(inner, runtime));
  if (!happens) fields.problem('runtime_fraction', 'value is required');
  return { kind: 'text', passes: (value) => happens?.(Number(hashOf(value, seed) % MILLION)) ?? false };
}

function readMetadata(fields: Fields): ValueTest {
  const test = fields.message('value', readValueMatcher) ?? (() => false);
  const invert = fields.flag('invert');
  return { kind: 'metadata', passes: (value) => test(value) !== invert };
}
