import net from 'node:net';

/** An IP network: `address` is masked, `bits` is 32 or 128. */
export interface Cidr {
  readonly bits: 32 | 128;
  readonly address: bigint;
  readonly prefix: number;
}

export function parseIp(text: string): { readonly bits: 32 | 128; readonly address: bigint } | undefined {
  switch (net.isIP(text)) {
    case 4:
      return { bits: 32, address: BigInt(ipv4ToNumber(text)) };
    case 6:
      return text.includes('%') ? undefined : { bits: 128, address: ipv6ToBigint(text) };
    default:
      return undefined;
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

export function ipv4ToNumber(text: string): number {
  let value = 0;
  for (const part of text.split('.')) value = value * 256 + Number(part);
  return value;
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
