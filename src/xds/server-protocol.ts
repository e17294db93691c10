import type { GrpcMessage } from '../model/envoy/index.ts';
import { textIn, textsIn } from './message.ts';
import { isWildcardType } from './resource-types.ts';
import type { SnapshotResource, TypeSnapshot } from './snapshot.ts';

/** What one data plane asked for and was sent of one type. */
export interface Subscription {
  wildcard: boolean;
  readonly names: Set<string>;
  /** Names to send even if unchanged. */
  readonly forced: Set<string>;
  /** Name to version as last sent. */
  readonly sent: Map<string, string>;
  /** Names in the last response. */
  lastNames: readonly string[];
  /** Text of the NACK that the last answered response got. */
  rejection: string | undefined;
  /** Name to version of what the response behind `rejection` held. */
  refused: ReadonlyMap<string, string | undefined>;
  /** Nonce of the last response. */
  nonce: string;
  /** A response waits for its ACK or NACK. */
  outstanding: boolean;
  dirty: boolean;
  isNew: boolean;
}

export interface Answer {
  readonly nonce: string;
  /** Text of a NACK. */
  readonly error?: string;
}

/** The two forms of the protocol, as far as they differ for the server. */
export interface ServerProtocol {
  readonly method: string;
  answerOf(request: GrpcMessage): Answer;
  /** Takes over what the request subscribes to and forces what must be sent for it; `answers`: the request acknowledges a response. */
  subscribe(subscription: Subscription, url: string, request: GrpcMessage, answers: boolean): void;
  /** The response for what has to be sent, or undefined when there is nothing. Updates `sent`. */
  respond(subscription: Subscription, url: string, types: TypeSnapshot, nonce: string): GrpcMessage | undefined;
}

export function newSubscription(): Subscription {
  return {
    wildcard: false,
    names: new Set(),
    forced: new Set(),
    sent: new Map(),
    lastNames: [],
    rejection: undefined,
    refused: new Map(),
    nonce: '',
    outstanding: false,
    dirty: false,
    isNew: true,
  };
}

function errorOf(request: GrpcMessage): { readonly error?: string } {
  const detail = request['error_detail'];
  if (typeof detail !== 'object' || detail === null) return {};
  return { error: textIn(detail as GrpcMessage, 'message') || 'no reason given' };
}

export const stateOfTheWorld: ServerProtocol = {
  method: 'StreamAggregatedResources',

  answerOf(request) {
    return { nonce: textIn(request, 'response_nonce'), ...errorOf(request) };
  },

  subscribe(subscription, url, request, answers) {
    const names = textsIn(request, 'resource_names');
    const wildcard =
      isWildcardType(url) &&
      (names.includes('*') || (names.length === 0 && (subscription.isNew || subscription.wildcard)));
    const added = names.filter((name) => !subscription.names.has(name));
    const sameAgain = !answers && !subscription.isNew && added.length === 0;
    if (wildcard && (!subscription.wildcard || sameAgain)) subscription.dirty = true;
    // A data plane that names again what it has wants it again: a changed cluster waits for its endpoints.
    for (const name of sameAgain ? names : added) subscription.forced.add(name);
    if (subscription.forced.size > 0) subscription.dirty = true;
    subscription.wildcard = wildcard;
    replaceNames(subscription, names);
    subscription.isNew = false;
  },

  respond(subscription, url, snapshot, nonce) {
    const resources = subscription.wildcard
      ? [...snapshot.resources.values()]
      : [...subscription.names].flatMap((name) => toSend(subscription, snapshot, name) ?? []);
    if (!subscription.wildcard && resources.length === 0 && subscription.forced.size === 0) return undefined;
    if (subscription.wildcard) subscription.sent.clear();
    markSent(subscription, resources);
    return { version_info: snapshot.version, type_url: url, nonce, resources: resources.map(({ any }) => any) };
  },
};

function replaceNames(subscription: Subscription, names: readonly string[]): void {
  subscription.names.clear();
  for (const name of names) subscription.names.add(name);
  if (subscription.wildcard) return;
  for (const name of subscription.sent.keys()) if (!subscription.names.has(name)) subscription.sent.delete(name);
}

function toSend(subscription: Subscription, snapshot: TypeSnapshot, name: string): SnapshotResource | undefined {
  const resource = snapshot.resources.get(name);
  if (!resource) return undefined;
  return subscription.forced.has(name) || subscription.sent.get(name) !== resource.version ? resource : undefined;
}

function markSent(subscription: Subscription, resources: readonly SnapshotResource[]): void {
  for (const { name, version } of resources) subscription.sent.set(name, version);
  subscription.lastNames = resources.map(({ name }) => name);
  subscription.forced.clear();
}

export const delta: ServerProtocol = {
  method: 'DeltaAggregatedResources',

  answerOf(request) {
    return { nonce: textIn(request, 'response_nonce'), ...errorOf(request) };
  },

  subscribe(subscription, url, request) {
    const added = textsIn(request, 'resource_names_subscribe');
    const gone = textsIn(request, 'resource_names_unsubscribe');
    const first = subscription.isNew;
    subscription.isNew = false;
    if (isWildcardType(url) && (added.includes('*') || (first && added.length === 0)) && !subscription.wildcard) {
      subscription.wildcard = true;
      subscription.dirty = true;
    }
    if (gone.includes('*')) subscription.wildcard = false;
    if (first) {
      const known = (request['initial_resource_versions'] ?? {}) as Readonly<Record<string, unknown>>;
      for (const [name, version] of Object.entries(known)) subscription.sent.set(name, String(version));
    }
    for (const name of added.filter((each) => each !== '*')) {
      // What the data plane says it still has is only sent if it changed.
      if (!first || !subscription.sent.has(name)) subscription.forced.add(name);
      subscription.names.add(name);
      subscription.dirty = true;
    }
    for (const name of gone) {
      subscription.names.delete(name);
      if (!subscription.wildcard) subscription.sent.delete(name);
    }
  },

  respond(subscription, url, snapshot, nonce) {
    const { wildcard, names, sent, forced } = subscription;
    const wanted = wildcard ? [...snapshot.resources.keys()] : [...names];
    const resources = wanted.flatMap((name) => toSend(subscription, snapshot, name) ?? []);
    const removed = [...sent.keys(), ...[...forced].filter((name) => !sent.has(name))].filter(
      (name) => !snapshot.resources.has(name),
    );
    const first = subscription.nonce === '';
    if (resources.length === 0 && removed.length === 0 && !(first && wildcard)) return undefined;
    for (const name of removed) sent.delete(name);
    markSent(subscription, resources);
    return {
      system_version_info: snapshot.version,
      type_url: url,
      nonce,
      resources: resources.map(({ name, version, any }) => ({ name, version, resource: any })),
      removed_resources: removed,
    };
  },
};
