import { type Hash64, hash64 } from './xxhash64.ts';

const MULTIPLIER = 0xc6a4a7935bd1e995n;
const SEED = 0xc70f6907n;
const MASK = 0xffffffffffffffffn;

const times = (left: bigint, right: bigint): bigint => (left * right) & MASK;

/** MurmurHash2 for 64 bits as libstdc++ has it for `std::hash`, which Envoy's ring hash offers. Made for tables, not for requests. */
export function murmurHash2(bytes: Uint8Array): Hash64 {
  const { length } = bytes;
  let hash = SEED ^ times(BigInt(length), MULTIPLIER);
  const whole = length & ~7;
  for (let at = 0; at < whole; at += 8) {
    const mixed = times(fold(times(read(bytes, at, at + 8), MULTIPLIER)), MULTIPLIER);
    hash = times(hash ^ mixed, MULTIPLIER);
  }
  if (whole < length) hash = times(hash ^ read(bytes, whole, length), MULTIPLIER);
  return hash64(fold(times(fold(hash), MULTIPLIER)));
}

function fold(value: bigint): bigint {
  return value ^ (value >> 47n);
}

function read(bytes: Uint8Array, from: number, to: number): bigint {
  let value = 0n;
  for (let at = to - 1; at >= from; at--) value = (value << 8n) | BigInt(bytes[at] as number);
  return value;
}
