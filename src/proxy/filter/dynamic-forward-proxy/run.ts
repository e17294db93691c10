import type { CachedHost, DnsCache, PendingHost } from '../../cluster/dns/cache.ts';
import { DYNAMIC_HOST, defaultPort, dynamicPort, noted } from '../../cluster/forward-proxy.ts';
import { formatHostPort } from '../../config/address.ts';
import type { RequestHead } from '../../http/head.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { FilterControl, FilterHooks, FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import type { ForwardProxyFilter, HostRewrite } from './filter.ts';

const ADDRESS = 'envoy.stream.upstream_address';

/** Looks the host of one request up before the request goes on, where its route leads to a dynamic forward proxy cluster. */
export class ForwardProxyRun implements FilterHooks {
  readonly request: Hooks<RequestHead> = { head: (_, head) => this.#onHead(head) };
  readonly #stream: FilterStream;
  readonly #control: FilterControl;
  readonly #filter: ForwardProxyFilter;
  readonly #rewrite: HostRewrite | undefined;
  #pending: PendingHost | undefined = undefined;

  constructor(
    stream: FilterStream,
    control: FilterControl,
    filter: ForwardProxyFilter,
    rewrite: HostRewrite | undefined,
  ) {
    this.#stream = stream;
    this.#control = control;
    this.#filter = filter;
    this.#rewrite = rewrite;
  }

  onEnd(): void {
    if (!this.#pending) return;
    this.#pending.cancel();
    this.#leave();
  }

  #onHead(head: RequestHead): HeadVerdict {
    const { route, routeCluster } = this.#stream;
    if (route?.action.kind !== 'forward') return 'continue';
    const config = this.#filter.clusters.get(routeCluster)?.config;
    if (!config?.forwardProxy?.filtered) return 'continue';
    if (this.#rewrite) rewriteHost(head, this.#rewrite);
    const cache = this.#filter.cache();
    if (!cache.takePlace()) {
      return this.#refuse('Dynamic forward proxy pending request overflow', `dynamic_forward_proxy_${PENDING}`);
    }
    const verdict = this.#load(cache, head, defaultPort(config));
    if (!this.#pending) cache.leavePlace();
    return verdict;
  }

  #load(cache: DnsCache, { authority }: RequestHead, plainPort: number): HeadVerdict {
    const { byFilterState } = this.#filter;
    const { filterState } = this.#stream;
    const name = (byFilterState ? noted(filterState, DYNAMIC_HOST) : undefined) ?? authority;
    const port = (byFilterState ? dynamicPort(filterState) : undefined) ?? plainPort;
    if (name === '') {
      this.#stream.reply({ status: 400, body: 'Empty host header', details: 'empty_host_header' });
      return 'stop';
    }
    const loaded = cache.load(name, port, (host) => this.#onLoaded(host));
    if (loaded.kind === 'overflow') return this.#refuse('DNS cache overflow', 'dns_cache_overflow');
    if (loaded.kind === 'known') return this.#take(loaded.host);
    this.#pending = loaded.pending;
    return 'stop';
  }

  #onLoaded(host: CachedHost): void {
    this.#leave();
    if (this.#take(host) === 'continue') this.#control.resumeRequest();
  }

  #take(host: CachedHost): HeadVerdict {
    if (host.addresses.length === 0) return this.#refuse('DNS resolution failure', host.details, FLAG.DNS_FAILED);
    this.#save(host);
    return 'continue';
  }

  #leave(): void {
    this.#pending = undefined;
    this.#filter.cache().leavePlace();
  }

  #save({ addresses: [address], port }: CachedHost): void {
    if (!this.#filter.saveAddress || address === undefined) return;
    this.#stream.filterState = { ...this.#stream.filterState, [ADDRESS]: formatHostPort(address, port) };
  }

  #refuse(body: string, details: string, flags = 0): HeadVerdict {
    this.#stream.reply({ status: 503, body, details, flags });
    return 'stop';
  }
}

const PENDING = 'pending_request_overflow';

/** The header goes before the literal; of several values the first counts. */
function rewriteHost(head: RequestHead, { literal, header }: HostRewrite): void {
  if (literal !== '') head.authority = literal;
  const value = header === '' ? undefined : head.headers.all(header)[0];
  if (value !== undefined) head.authority = value;
}
