/** An unsigned 64-bit number in two halves: a BigInt for each step would cost more than the hash itself. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

/** The hash that belongs to a decimal or BigInt value, for tests and tables. */
export function hash64(value: bigint): Hash64 {
  return { high: Number((value >> 32n) & 0xffffffffn), low: Number(value & 0xffffffffn) };
}

export function toBigInt({ high, low }: Hash64): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}

const P1 = hash64(0x9e3779b185ebca87n);
const P2 = hash64(0xc2b2ae3d27d4eb4fn);
const P3 = hash64(0x165667b19e3779f9n);
const P4 = hash64(0x85ebca77c2b2ae63n);
const P5 = hash64(0x27d4eb2f165667c5n);

/** The number at work: the functions below change it in place, so that hashing allocates nothing but its result. */
let high = 0;
let low = 0;

function load(value: Hash64): void {
  ({ high, low } = value);
}

function add(otherHigh: number, otherLow: number): void {
  const sum = low + otherLow;
  high = (high + otherHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0;
  low = sum >>> 0;
}

/** Product modulo 2^64. The upper half of low times low is put together from 16-bit products. */
function multiply(by: Hash64): void {
  const a0 = low & 0xffff;
  const a1 = low >>> 16;
  const b0 = by.low & 0xffff;
  const b1 = by.low >>> 16;
  const bottom = a0 * b0;
  const middle = a1 * b0 + (bottom >>> 16);
  const carried = a0 * b1 + (middle & 0xffff);
  const top = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000);
  high = (top + Math.imul(low, by.high) + Math.imul(high, by.low)) >>> 0;
  low = Math.imul(low, by.low) >>> 0;
}

function rotate(bits: number): void {
  const [h, l] = [high, low];
  high = ((h << bits) | (l >>> (32 - bits))) >>> 0;
  low = ((l << bits) | (h >>> (32 - bits))) >>> 0;
}

function exclusiveOr(otherHigh: number, otherLow: number): void {
  high = (high ^ otherHigh) >>> 0;
  low = (low ^ otherLow) >>> 0;
}

/** Exclusive or with itself shifted right. */
function foldRight(bits: number): void {
  if (bits >= 32) exclusiveOr(0, high >>> (bits - 32));
  else exclusiveOr(high >>> bits, (low >>> bits) | (high << (32 - bits)));
}

function readLittle(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/** One lane's step: the lane plus input times P2, rotated, times P1. The lane is the number at work. */
function round(inputHigh: number, inputLow: number): void {
  const [laneHigh, laneLow] = [high, low];
  high = inputHigh;
  low = inputLow;
  multiply(P2);
  add(laneHigh, laneLow);
  rotate(31);
  multiply(P1);
}

const lanes = new Uint32Array(8);

/** Hashes all blocks of 32 bytes; returns where the rest begins. */
function blocks(bytes: Uint8Array, seed: Hash64): number {
  const starts = [toBigInt(P1) + toBigInt(P2), toBigInt(P2), 0n, -toBigInt(P1)];
  for (let lane = 0; lane < 4; lane++) {
    const start = hash64((starts[lane] as bigint) + toBigInt(seed));
    lanes[2 * lane] = start.high;
    lanes[2 * lane + 1] = start.low;
  }
  let at = 0;
  for (; at + 32 <= bytes.length; at += 32) {
    for (let lane = 0; lane < 4; lane++) {
      high = lanes[2 * lane] as number;
      low = lanes[2 * lane + 1] as number;
      round(readLittle(bytes, at + 8 * lane + 4), readLittle(bytes, at + 8 * lane));
      lanes[2 * lane] = high;
      lanes[2 * lane + 1] = low;
    }
  }
  mergeLanes();
  return at;
}

const ROTATIONS = [1, 7, 12, 18];

function mergeLanes(): void {
  let sum: Hash64 = { high: 0, low: 0 };
  for (let lane = 0; lane < 4; lane++) {
    high = lanes[2 * lane] as number;
    low = lanes[2 * lane + 1] as number;
    rotate(ROTATIONS[lane] as number);
    add(sum.high, sum.low);
    sum = { high, low };
  }
  for (let lane = 0; lane < 4; lane++) {
    high = 0;
    low = 0;
    round(lanes[2 * lane] as number, lanes[2 * lane + 1] as number);
    exclusiveOr(sum.high, sum.low);
    multiply(P1);
    add(P4.high, P4.low);
    sum = { high, low };
  }
}

const ZERO: Hash64 = { high: 0, low: 0 };

/** xxHash64 of Yann Collet's specification, which Envoy's hash policies, ring hash and Maglev use; the seed is 0 there but for Maglev's second hash. */
export function xxHash64(bytes: Uint8Array, seed: Hash64 = ZERO): Hash64 {
  let at = 0;
  if (bytes.length >= 32) at = blocks(bytes, seed);
  else {
    load(seed);
    add(P5.high, P5.low);
  }
  add(0, bytes.length);
  for (; at + 8 <= bytes.length; at += 8) {
    const [soFarHigh, soFarLow] = [high, low];
    load(ZERO);
    round(readLittle(bytes, at + 4), readLittle(bytes, at));
    exclusiveOr(soFarHigh, soFarLow);
    rotate(27);
    multiply(P1);
    add(P4.high, P4.low);
  }
  if (at + 4 <= bytes.length) {
    const [soFarHigh, soFarLow] = [high, low];
    high = 0;
    low = readLittle(bytes, at);
    multiply(P1);
    exclusiveOr(soFarHigh, soFarLow);
    rotate(23);
    multiply(P2);
    add(P3.high, P3.low);
    at += 4;
  }
  for (; at < bytes.length; at++) {
    const [soFarHigh, soFarLow] = [high, low];
    high = 0;
    low = bytes[at] as number;
    multiply(P5);
    exclusiveOr(soFarHigh, soFarLow);
    rotate(11);
    multiply(P1);
  }
  foldRight(33);
  multiply(P2);
  foldRight(29);
  multiply(P3);
  foldRight(32);
  return { high, low };
}
