import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { DnsStats } from './stats.ts';
import { readHostsFile, searchList } from './system.ts';

export type DnsFamily = 'AUTO' | 'V4_ONLY' | 'V6_ONLY' | 'V4_PREFERRED' | 'ALL';

/** `cares`: the hosts file, then DNS servers, those of the system unless `servers` (`address:port`) names some; `search`: with the system's search domains. */
export type ResolverConfig =
  | { readonly kind: 'cares'; readonly servers: readonly string[]; readonly search: boolean }
  | { readonly kind: 'getaddrinfo' };

export interface DnsAnswer {
  /** None when the name is known to have none. */
  readonly addresses: readonly string[];
  /** Milliseconds for which the answer holds; 0: not said. */
  readonly ttl: number;
  /** Node's code for why there are none, where a server said so. */
  readonly missing?: string;
}

/** Looks a name up; rejects when there is no answer. */
export type Resolve = (name: string, family: DnsFamily) => Promise<DnsAnswer>;

/** `cancel` ends every look-up that is under way, and those to come, without an answer. */
export interface NameResolver {
  readonly resolve: Resolve;
  cancel(): void;
}

type Ask = (name: string, version: 4 | 6) => Promise<DnsAnswer>;

const NOTHING: DnsAnswer = { addresses: [], ttl: 0 };
/** What `getaddrinfo` resolves to is taken to hold for a minute, as Envoy does. */
const SYSTEM_TTL = 60_000;
/** Envoy's defaults for c-ares. */
const QUERY_TIMEOUT = 5000;
const QUERY_TRIES = 4;

export function createResolver(config: ResolverConfig, stats = new DnsStats()): NameResolver {
  if (config.kind === 'getaddrinfo') {
    return { resolve: (name, family) => askFamilies(name, family, askSystem), cancel: () => undefined };
  }
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT, tries: QUERY_TRIES });
  if (config.servers.length > 0) resolver.setServers(config.servers);
  const end = new AbortController();
  const ask = askServers(resolver, config.search, end.signal, stats);
  return {
    resolve: async (name, family) => {
      stats.resolveTotal++;
      stats.pending++;
      try {
        return await askFamilies(name, family, ask);
      } finally {
        stats.pending--;
      }
    },
    cancel: () => {
      end.abort();
      resolver.cancel();
    },
  };
}

async function askFamilies(name: string, family: DnsFamily, ask: Ask): Promise<DnsAnswer> {
  switch (family) {
    case 'V4_ONLY':
      return ask(name, 4);
    case 'V6_ONLY':
      return ask(name, 6);
    case 'ALL': {
      const answers = await Promise.allSettled([ask(name, 6), ask(name, 4)]);
      const good = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      if (good.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
      const found = good.filter(({ addresses }) => addresses.length > 0);
      return { addresses: found.flatMap(({ addresses }) => addresses), ttl: least(found.map(({ ttl }) => ttl)) };
    }
    default: {
      const [first, second] = family === 'AUTO' ? ([6, 4] as const) : ([4, 6] as const);
      const answer = await ask(name, first).catch(() => NOTHING);
      return answer.addresses.length > 0 ? answer : ask(name, second);
    }
  }
}

async function askSystem(name: string, version: 4 | 6): Promise<DnsAnswer> {
  const found = await lookup(name, { all: true, family: version });
  return { addresses: found.map(({ address }) => address), ttl: SYSTEM_TTL };
}

function askServers(resolver: Resolver, search: boolean, end: AbortSignal, stats: DnsStats): Ask {
  return async (name, version) => {
    if (isIP(name) === 6 && version === 4) throw Object.assign(new Error(`${name} is no name`), { code: 'EBADNAME' });
    if (isIP(name) !== 0) return isIP(name) === version ? { addresses: [name], ttl: 0 } : NOTHING;
    const known = (await readHostsFile()).get(name.toLowerCase())?.filter((address) => isIP(address) === version);
    if (known && known.length > 0) return { addresses: known, ttl: 0 };
    // RFC 6761: such a name is never asked for.
    if (name === 'localhost' || name.endsWith('.localhost'))
      return { addresses: [version === 4 ? '127.0.0.1' : '::1'], ttl: 0 };
    let answer = NOTHING;
    for (const candidate of search ? await searchList(name) : [name]) {
      end.throwIfAborted();
      answer = await query(resolver, candidate, version, stats);
      if (answer.addresses.length > 0) return answer;
    }
    return answer;
  };
}

async function query(resolver: Resolver, name: string, version: 4 | 6, stats: DnsStats): Promise<DnsAnswer> {
  try {
    const found = await (version === 4
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    return { addresses: found.map(({ address }) => address), ttl: least(found.map(({ ttl }) => ttl)) * 1000 };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') {
      stats.notFound++;
      return { ...NOTHING, missing: code };
    }
    if (code === 'ETIMEOUT') stats.timeouts++;
    stats.failure++;
    throw error;
  }
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.min(...values);
}
