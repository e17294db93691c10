import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { ipv4ToNumber, numberToIpv4, parseCidrOrIp } from '../base/index.ts';

/** Addresses of the link between the fabric and the host: a /24 that no route of the host covers. */
export interface UplinkSubnet {
  readonly cidr: string;
  /** The fabric's end. */
  readonly fabric: string;
  /** The host's end, the fabric's default gateway. */
  readonly gateway: string;
  /** Number of the subnet, unique among the host's clusters; part of names on the host. */
  readonly index: number;
}

/** How the cluster reaches what lies beyond its host, decided by the launcher, which still sees the host. */
export type UplinkPlan =
  | {
      readonly via: 'pasta' | 'slirp4netns';
      /** Path of the program. */
      readonly program: string;
      readonly subnet: UplinkSubnet;
      readonly resolvers: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      readonly via: 'masquerade';
      readonly subnet: UplinkSubnet;
      readonly resolvers: readonly string[];
      readonly warnings: readonly string[];
    }
  | { readonly via: 'none'; readonly reason: string };

const routesTimeoutMs = 2_000;
const routesMaxBytes = 16 << 20;
/** 100.64.0.0/11: the lower half of the shared address space (RFC 6598); the upper half is left to those who number services from it. */
const firstSubnet = '100.64.0.0';
const subnetCount = 1 << 13;
const resolversMax = 3;
/** Where the resolver named in resolv.conf is systemd's own on the loopback, this file names those that it asks. */
const resolverFiles = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/**
 * Chooses the uplink on this host. `seed` makes two clusters start their search for a subnet at different places.
 * User-space networks come first, for root too: they need no forwarding and no firewall rule on the host. Never rejects.
 */
export async function planUplink(seed: string, searchPath: string): Promise<UplinkPlan> {
  const environment = { ...process.env, PATH: searchPath };
  const routes = await commandOutput('ip', ['-4', '-o', 'route', 'show', 'table', 'all'], environment);
  if (routes === undefined) return none('`ip route` (package iproute2) does not work on this host');
  const prefixes = routePrefixes(routes);
  if (!prefixes.hasWayOut) return none('the host has no IPv4 default route');
  const subnet = chooseSubnet(prefixes.prefixes, seed);
  if (subnet === undefined) return none(`every subnet of ${firstSubnet}/11 is taken by a route of the host`);
  const { resolvers, warnings } = hostResolvers(resolverFiles.map(readText));
  for (const via of ['pasta', 'slirp4netns'] as const) {
    const program = findProgram(via, searchPath);
    if (program === undefined) continue;
    if (!canUse('/dev/net/tun', constants.R_OK | constants.W_OK)) return none(`${via} cannot open /dev/net/tun`);
    return { via, program, subnet, resolvers, warnings };
  }
  const obstacle = await masqueradeObstacle(environment);
  return obstacle === undefined ? { via: 'masquerade', subnet, resolvers, warnings } : none(obstacle);
}

async function masqueradeObstacle(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const remedy = 'install pasta (package passt) or slirp4netns';
  if (process.getuid?.() !== 0) return remedy;
  if (readText('/proc/sys/net/ipv4/ip_forward').trim() !== '1')
    return `the host does not forward (net.ipv4.ip_forward is 0), which is left as it is; ${remedy}`;
  const chain = (await commandOutput('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD'], environment)) ?? '';
  if (/policy drop/.test(chain)) return `the host's firewall drops what it forwards; ${remedy}`;
  return undefined;
}

/** Destinations of `ip -4 -o route show table all`, and whether one of them is (or, in halves, amounts to) a default route. */
export function routePrefixes(text: string): { readonly prefixes: readonly string[]; readonly hasWayOut: boolean } {
  const kinds = new Set([
    'unicast',
    'local',
    'broadcast',
    'multicast',
    'throw',
    'unreachable',
    'prohibit',
    'blackhole',
  ]);
  const prefixes: string[] = [];
  let hasWayOut = false;
  for (const line of text.split('\n')) {
    const words = line.trim().split(/\s+/);
    const kind = kinds.has(words[0] ?? '') ? words.shift() : 'unicast';
    const destination = words[0] === 'default' ? '0.0.0.0/0' : (words[0] ?? '');
    const prefix = parseCidrOrIp(destination)?.prefix;
    if (prefix === undefined) continue;
    if (prefix <= 1) hasWayOut ||= kind === 'unicast';
    else prefixes.push(destination);
  }
  return { prefixes, hasWayOut };
}

/** The first free subnet at or after a place that follows from the seed. Pure. */
export function chooseSubnet(taken: readonly string[], seed: string): UplinkSubnet | undefined {
  const ranges = taken.flatMap((text) => {
    const cidr = parseCidrOrIp(text);
    if (cidr?.bits !== 32) return [];
    const first = Number(cidr.address);
    return [{ first, last: first + 2 ** (32 - cidr.prefix) - 1 }];
  });
  const start = hash(seed) % subnetCount;
  for (let offset = 0; offset < subnetCount; offset++) {
    const index = (start + offset) % subnetCount;
    const base = ipv4ToNumber(firstSubnet) + index * 256;
    if (ranges.some(({ first, last }) => first <= base + 255 && base <= last)) continue;
    return {
      cidr: `${numberToIpv4(base)}/24`,
      fabric: numberToIpv4(base + 100),
      gateway: numberToIpv4(base + 2),
      index,
    };
  }
  return undefined;
}

/**
 * IPv4 resolvers from the texts of the host's resolver files, the first file that names one outside the host's loopback.
 * A resolver on the loopback is left out: the host's loopback is out of the cluster's reach.
 */
export function hostResolvers(texts: readonly string[]): {
  readonly resolvers: readonly string[];
  readonly warnings: readonly string[];
} {
  for (const text of texts) {
    const named = nameservers(text).filter((address) => /^\d+(\.\d+){3}$/.test(address));
    const resolvers = named.filter((address) => !address.startsWith('127.') && address !== '0.0.0.0');
    if (resolvers.length > 0) return { resolvers: resolvers.slice(0, resolversMax), warnings: [] };
  }
  const all = texts.flatMap(nameservers);
  const found = all.length === 0 ? 'none is named' : `only ${all.join(', ')}, which the cluster cannot reach`;
  return { resolvers: [], warnings: [`names outside the cluster do not resolve: of the host's resolvers, ${found}`] };
}

function nameservers(text: string): readonly string[] {
  return [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] ?? '');
}

function none(reason: string): UplinkPlan {
  return { via: 'none', reason };
}

/** 32-bit FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(':')
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, name))
    .find((file) => canUse(file, constants.X_OK));
}

function canUse(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function commandOutput(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const limits = { env: environment, timeout: routesTimeoutMs, maxBuffer: routesMaxBytes };
  return new Promise((resolve) => {
    execFile(program, args, limits, (error, stdout) => resolve(error ? undefined : stdout));
  });
}
