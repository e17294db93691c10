import { NO_METADATA } from '../../match/metadata.ts';
import type { ForwardAction } from '../../route/action.ts';
import { ANY_MATCH } from '../../route/match.ts';
import { NO_RETRY, type RetryPolicy } from '../../route/retry.ts';
import type { Route } from '../../route/route.ts';
import { Deadline } from '../../time/deadline.ts';
import type { DownstreamConnection } from '../router/downstream.ts';

/** The route of a request of the proxy's own: to one cluster, with nothing but a time-out in milliseconds, 0 for none. */
export function ownRoute(timeout: number, retry: RetryPolicy = NO_RETRY): { route: Route; action: ForwardAction } {
  const action = ownAction(timeout);
  return { action, route: routeOf(action, retry) };
}

function ownAction(timeout: number): ForwardAction {
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

function routeOf(action: ForwardAction, retry: RetryPolicy): Route {
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
    tracing: undefined,
    decorator: undefined,
    policy: { retry, timeouts, mirrors: [], bodyLimit: undefined },
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

/** Stands in for the client's connection of a request that no client sent: what there is to read comes from elsewhere, which is told to go on. */
export class OwnConnection implements DownstreamConnection {
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
