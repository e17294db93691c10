import type { Cluster } from '../../cluster/cluster.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HttpManager } from '../../http/manager.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { NO_METADATA } from '../../match/metadata.ts';
import type { ForwardAction } from '../../route/action.ts';
import { ANY_MATCH } from '../../route/match.ts';
import { NO_RETRY } from '../../route/retry.ts';
import type { Route } from '../../route/route.ts';
import { now } from '../../time/clock.ts';
import { Deadline } from '../../time/deadline.ts';
import type { LocalReply } from '../filter.ts';
import type { DownstreamConnection, RouterDownstream } from './downstream.ts';
import { RouterRun } from './run.ts';

/** Stands in for the client of a mirrored request: it sends what the client sends and reads no answer. */
export class ShadowStream extends StreamInfo implements RouterDownstream {
  readonly manager: HttpManager;
  readonly head: RequestHead;
  readonly connection: ShadowConnection;
  readonly routes = undefined;
  override readonly route: Route;
  readonly routeCluster: string;
  readonly random: number;
  requestDone: boolean;
  readonly writable = true;
  responseStarted = false;
  ended = false;
  upgrade: string | undefined = undefined;
  redirects = undefined;
  readonly #original: StreamInfo;
  readonly #run: RouterRun;

  constructor(parent: RouterRun, cluster: Cluster, head: RequestHead) {
    const { stream } = parent;
    super(stream.peers);
    this.#original = stream;
    this.manager = stream.manager;
    this.head = head;
    this.request = head;
    this.random = stream.random;
    this.requestDone = parent.bodyDone;
    if (this.requestDone) this.requestEndAt = now();
    this.clusterName = cluster.config.name;
    this.routeCluster = cluster.config.name;
    this.connection = new ShadowConnection(
      () => parent.onUpstreamWritable(),
      () => this.#run.onGlobalTimeout(),
    );
    const action = shadowAction(parent.timeouts.global);
    this.route = shadowRoute(action);
    this.#run = new RouterRun(this, this.route, action, cluster);
  }

  get localCluster(): string {
    return this.manager.localCluster;
  }

  get paused(): boolean {
    return this.connection.paused && !this.ended;
  }

  begin(): void {
    this.#run.begin();
  }

  onBody(bytes: Buffer, start: number, stop: number, done: boolean): void {
    if (this.ended) return;
    this.bytesReceived += stop - start;
    if (done) {
      this.requestTrailers = this.#original.requestTrailers?.copy();
      this.requestComplete();
    }
    this.#run.onBody(bytes, start, stop, done);
  }

  cancel(): void {
    this.end();
  }

  requestComplete(): void {
    this.requestDone = true;
    this.requestEndAt = now();
  }

  reply(_reply: LocalReply): void {
    this.end();
  }

  interim(_head: ResponseHead): void {
    // Nobody waits for it.
  }

  respond(_head: ResponseHead, done: boolean): void {
    this.responseStarted = true;
    if (done) this.end();
  }

  sendBody(_bytes: Buffer, _start: number, _stop: number, done: boolean): void {
    if (done) this.end();
  }

  flush(): void {}

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#run.abort();
    this.connection.resumeReading();
  }
}

/** What is read for a copy comes from the client's connection; it is the parent that pauses it. */
class ShadowConnection implements DownstreamConnection {
  readonly source = undefined;
  readonly id = undefined;
  paused = false;
  readonly responseTimeout: Deadline;
  readonly #onResume: () => void;

  constructor(onResume: () => void, onTimeout: () => void) {
    this.#onResume = onResume;
    this.responseTimeout = new Deadline(onTimeout);
  }

  pauseReading(): void {
    this.paused = true;
  }

  resumeReading(): void {
    if (!this.paused) return;
    this.paused = false;
    this.#onResume();
  }

  destroySoon(): void {}
}

function shadowAction(timeout: number): ForwardAction {
  return {
    kind: 'forward',
    notFoundStatus: 503,
    pathRewrite: undefined,
    hostRewrite: undefined,
    appendForwardedHost: false,
    timeout,
    idleTimeout: undefined,
    priority: 'DEFAULT',
    upgrades: new Map(),
    connect: undefined,
    retry: undefined,
    hedging: undefined,
    mirrors: [],
    hashPolicies: [],
    metadataMatch: undefined,
    internalRedirect: undefined,
    maxStreamDuration: undefined,
    grpcMax: undefined,
    grpcOffset: 0,
    rateLimits: [],
    includeHostLimits: false,
  };
}

function shadowRoute(action: ForwardAction): Route {
  const timeouts = {
    global: action.timeout,
    perTry: 0,
    perTryIdle: 0,
    hedge: false,
    status: 504 as const,
    maxStream: undefined,
  };
  return {
    name: '',
    match: ANY_MATCH,
    action,
    cluster: '',
    clusterHeader: '',
    weighted: undefined,
    requestMutations: [],
    responseMutations: [],
    filters: [],
    traffic: undefined,
    metadata: NO_METADATA,
    policy: { retry: NO_RETRY, timeouts, mirrors: [], bodyLimit: undefined },
    virtualHost: {
      name: '',
      domains: [],
      virtualClusters: [],
      find: () => undefined,
      policy: {
        retry: undefined,
        hedging: false,
        mirrors: [],
        bodyLimit: undefined,
        rateLimits: [],
        timeoutRetryHeader: false,
      },
      metadata: NO_METADATA,
      attemptCountUp: false,
      attemptCountDown: false,
    },
  };
}
