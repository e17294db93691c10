import net from 'node:net';

/** An IP network: `address` is masked, `bits` is 32 or 128. */
export interface Cidr {
  readonly bits: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;
}

export function parseIp(text: string): { readonly bits: 32 | 128; readonly address: bigint } | undefined {
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined) return { bits: 32, address: BigInt(ipv4) };
  if (!net.isIPv6(text) || text.includes('%')) return undefined;
  return { bits: 128, address: ipv6ToBigint(text) };
}

const ZERO = 0x30;
const DOT = 0x2e;

/** The number of a dotted address, which has four decimal parts without leading zeros, from `from` to the end at `to`; undefined for anything else. */
export function parseIpv4(text: string, from = 0, to = text.length): number | undefined {
  let value = 0;
  let at = from;
  for (let parts = 1; ; parts++) {
    const start = at;
    let part = 0;
    for (; at < to && at - start < 3; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9) break;
      part = part * 10 + digit;
    }
    const leadingZero = at - start > 1 && text.charCodeAt(start) === ZERO;
    if (at === start || leadingZero || part > 255) return undefined;
    value = value * 256 + part;
    if (parts === 4) return at === to ? value : undefined;
    if (at === to || text.charCodeAt(at) !== DOT) return undefined;
    at++;
  }
}

/** Parses `a.b.c.d/n` or `x::y/n`; host bits are masked away. Undefined when it is not a prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const ip = parseIp(text.slice(0, slash));
  const prefixText = text.slice(slash + 1);
  if (!ip || !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  if (prefix > ip.bits) return undefined;
  const shift = BigInt(ip.bits - prefix);
  return { bits: ip.bits, address: (ip.address >> shift) << shift, prefix };
}

/** The one-address network of a bare IP, or the network of a prefix. */
export function parseCidrOrIp(text: string): Cidr | undefined {
  const ip = parseIp(text);
  return ip ? { ...ip, prefix: ip.bits } : parseCidr(text);
}

export function cidrContains(outer: Cidr, inner: Cidr): boolean {
  if (outer.bits !== inner.bits || outer.prefix > inner.prefix) return false;
  const shift = BigInt(outer.bits - outer.prefix);
  return outer.address >> shift === inner.address >> shift;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr)}/${cidr.prefix}`;
}

export function formatIp(ip: { readonly bits: 32 | 128; readonly address: bigint }): string {
  if (ip.bits === 32) return numberToIpv4(Number(ip.address));
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((ip.address >> shift) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The number of a dotted address; NaN for anything else. */
export function ipv4ToNumber(text: string): number {
  return parseIpv4(text) ?? Number.NaN;
}

export function numberToIpv4(value: number): string {
  return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function ipv6ToBigint(text: string): bigint {
  const withoutDotted = text.replace(/(\d+\.\d+\.\d+\.\d+)$/, (dotted) => {
    const value = ipv4ToNumber(dotted);
    return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`;
  });
  const [head = '', tail] = withoutDotted.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : new Array(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].reduce((sum, group) => (sum << 16n) | BigInt(Number.parseInt(group, 16)), 0n);
}
