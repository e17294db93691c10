import type { Logger } from '../base/index.ts';
import { type GrpcMessage, typeUrl as urls } from '../model/envoy/index.ts';
import { textIn } from './message.ts';
import { resourceTypes } from './resource-types.ts';
import { newSubscription, type ServerProtocol, type Subscription } from './server-protocol.ts';
import type { Rejection, Snapshot, TypeSnapshot } from './snapshot.ts';

/** One connected data plane. */
export interface ServerStream {
  receive(request: GrpcMessage): void;
  /** Sends what the new snapshot changes for this data plane. */
  update(snapshot: Snapshot): void;
  /** Resolves once nothing waits for an answer (or the stream has ended) with the types whose last answer was a NACK. */
  settled(): Promise<readonly Rejection[]>;
  end(): void;
  readonly node: string;
}

export interface ServerStreamOptions {
  readonly protocol: ServerProtocol;
  readonly write: (response: GrpcMessage) => void;
  readonly log: Logger;
}

const nothing: TypeSnapshot = { version: '', resources: new Map() };

/**
 * The state of one stream. Types are sent in the order of `resourceTypes`; of one type only a single response is under way, so that a slow
 * data plane gets the latest state instead of a queue of old ones.
 */
export function createServerStream({ protocol, write, log }: ServerStreamOptions): ServerStream {
  const subscriptions = new Map<string, Subscription>();
  let snapshot: Snapshot | undefined;
  let node = '';
  let nonces = 0;
  let ended = false;
  let idle: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  function isSettled(): boolean {
    if (ended) return true;
    const current = snapshot;
    if (!current) return false;
    // Envoy asks for listeners only when it has its clusters; before that its silence on them is no consent.
    const complete = resourceTypes.every(
      ({ url, wildcard }) => !wildcard || subscriptions.has(url) || (current.get(url)?.resources.size ?? 0) === 0,
    );
    return complete && [...subscriptions.values()].every(({ outstanding, dirty }) => !outstanding && !dirty);
  }

  function wakeIfSettled(): void {
    if (!isSettled()) return;
    idle?.resolve();
    idle = undefined;
  }

  function flush(): void {
    // Before anything was published an answer would read as: nothing exists, drop what you have.
    if (!snapshot) return;
    for (const { url } of resourceTypes) {
      const subscription = subscriptions.get(url);
      if (!subscription?.dirty) continue;
      // Later types wait, or they could refer to what this one has not brought yet.
      if (subscription.outstanding) return;
      subscription.dirty = false;
      const response = protocol.respond(subscription, url, snapshot.get(url) ?? nothing, String(nonces + 1));
      if (!response) continue;
      nonces++;
      subscription.nonce = String(nonces);
      subscription.outstanding = true;
      write(response);
    }
  }

  function acknowledge(url: string, subscription: Subscription, error: string | undefined): void {
    const { lastNames, refused, sent } = subscription;
    subscription.outstanding = false;
    if (error === undefined) {
      // Envoy does not look a second time at a filter that it has refused, and is silent about it.
      const isSame = refused.size > 0 && [...refused].every(([name, version]) => sent.get(name) === version);
      if (url !== urls.extensionConfig || !isSame) subscription.rejection = undefined;
      return;
    }
    subscription.rejection = error;
    subscription.refused = new Map(lastNames.map((name) => [name, sent.get(name)]));
    log.warn({ typeUrl: url, node, error }, 'data plane refused resources');
    // They go along with the next response, so that an ACK always speaks for everything of the type.
    for (const name of lastNames) sent.delete(name);
  }

  return {
    get node() {
      return node;
    },

    receive(request) {
      const url = textIn(request, 'type_url');
      node = textIn(request['node'] as GrpcMessage | null | undefined, 'id') || node;
      if (ended || !resourceTypes.some((type) => type.url === url)) return;
      const subscription = subscriptions.get(url) ?? newSubscription();
      subscriptions.set(url, subscription);
      const { nonce, error } = protocol.answerOf(request);
      // An answer to an older response says nothing about what was sent since.
      if (nonce !== '' && nonce !== subscription.nonce) return;
      const answers = nonce !== '' && subscription.outstanding;
      if (answers) acknowledge(url, subscription, error);
      protocol.subscribe(subscription, url, request, answers);
      flush();
      wakeIfSettled();
    },

    update(next) {
      const previous = snapshot;
      snapshot = next;
      for (const [url, subscription] of subscriptions) {
        if (previous?.get(url)?.version !== next.get(url)?.version) subscription.dirty = true;
      }
      const clusters = subscriptions.get(urls.cluster);
      const endpoints = subscriptions.get(urls.endpoint);
      // A changed cluster warms until its endpoints come again, even if they are the same.
      if (clusters?.dirty && endpoints && endpoints.names.size > 0) {
        for (const name of endpoints.names) endpoints.forced.add(name);
        endpoints.dirty = true;
      }
      flush();
      wakeIfSettled();
    },

    async settled() {
      if (!isSettled()) {
        idle ??= Promise.withResolvers<void>();
        await idle.promise;
      }
      if (ended) return [];
      return [...subscriptions].flatMap(([typeUrl, { rejection }]) =>
        rejection === undefined ? [] : [{ typeUrl, message: rejection }],
      );
    },

    end() {
      ended = true;
      wakeIfSettled();
    },
  };
}
