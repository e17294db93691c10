import { type Cidr, parseCidr, parseIp } from '../../base/index.ts';
import type { Fields } from '../config/fields.ts';

/** Reads an `envoy.config.core.v3.CidrRange`. A length beyond that of the address means all of it, as in Envoy. */
export function readCidr(fields: Fields): Cidr | undefined {
  const address = fields.required('address_prefix');
  const length = fields.number('prefix_len') ?? 0;
  const bits = parseIp(address)?.bits;
  if (bits === undefined) {
    if (address !== '') fields.problem('address_prefix', `malformed IP address: ${address}`);
    return undefined;
  }
  return parseCidr(`${address}/${Math.min(length, bits)}`);
}

interface Level<T> {
  readonly prefix: number;
  readonly shift: bigint;
  readonly entries: Map<bigint, T[]>;
}

/** Values by IP range. A look-up costs one hash probe per distinct prefix length, whatever the number of ranges. */
export class CidrIndex<T> {
  readonly #levels: { readonly 32: Level<T>[]; readonly 128: Level<T>[] } = { 32: [], 128: [] };
  readonly #exact = new Map<string, readonly T[]>();

  add(cidr: Cidr, value: T): void {
    const levels = this.#levels[cidr.bits];
    let level = levels.find((one) => one.prefix === cidr.prefix);
    if (!level) {
      level = { prefix: cidr.prefix, shift: BigInt(cidr.bits - cidr.prefix), entries: new Map() };
      levels.push(level);
      levels.sort((left, right) => right.prefix - left.prefix);
    }
    const key = cidr.address >> level.shift;
    const list = level.entries.get(key);
    if (list) list.push(value);
    else level.entries.set(key, [value]);
  }

  /** Everything whose range holds the address, longest prefix first. Answers for recent addresses are kept. */
  find(address: string): readonly T[] {
    const known = this.#exact.get(address);
    if (known) return known;
    const found = this.#search(address);
    if (this.#exact.size >= 4096) this.#exact.clear();
    this.#exact.set(address, found);
    return found;
  }

  get empty(): boolean {
    return this.#levels[32].length === 0 && this.#levels[128].length === 0;
  }

  #search(address: string): readonly T[] {
    const ip = parseIp(address);
    if (!ip) return [];
    const found: T[] = [];
    for (const level of this.#levels[ip.bits]) {
      const list = level.entries.get(ip.address >> level.shift);
      if (list) found.push(...list);
    }
    return found;
  }
}

/** A set of ranges as a test on an address. */
export function cidrSet(cidrs: readonly Cidr[]): (address: string) => boolean {
  const [only, ...others] = cidrs;
  if (!only) return () => false;
  if (others.length === 0 && only.prefix === 0) {
    return (address) => parseIp(address)?.bits === only.bits;
  }
  const index = new CidrIndex<true>();
  for (const cidr of cidrs) index.add(cidr, true);
  return (address) => index.find(address).length > 0;
}

/** Reads an `envoy.type.matcher.v3.AddressMatcher`. */
export function readAddressMatcher(fields: Fields): (address: string) => boolean {
  const ranges = fields.list('ranges', readCidr).filter((one) => one !== undefined);
  const invert = fields.flag('invert_match');
  const holds = cidrSet(ranges);
  return (address) => holds(address) !== invert;
}
