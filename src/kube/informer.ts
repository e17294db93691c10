import type { IncomingMessage } from 'node:http';
import { backoffMs, fail, ok, type Result } from '../base/index.ts';
import { type ApiError, localError, type Status } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { deadline } from './deadline.ts';
import { messageOf, transportError } from './http.ts';
import { type ResourcePath, urlPath } from './paths.ts';
import { watchEvents } from './watch.ts';

/** The least an object needs to be watched. */
export interface WatchedObject {
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly resourceVersion?: string };
}

export type InformerChange<T> =
  | { readonly type: 'added'; readonly object: T }
  | { readonly type: 'modified'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T };

export interface InformerOptions<T> extends Omit<ResourcePath, 'name' | 'subresource'> {
  readonly client: KubeClient;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Called after `objects()` has changed, in order, never with an unchanged object. It must not throw. */
  readonly onChange?: (change: InformerChange<T>) => void;
  /** Called at each failure that is going to be retried. */
  readonly onError?: (error: ApiError) => void;
}

export interface Informer<T> {
  /** What the cluster has, as far as known here, in no order. */
  objects(): readonly T[];
  get(namespace: string | undefined, name: string): T | undefined;
  /** Resolves when the first list is complete, or when the informer is stopped before. */
  readonly synced: Promise<void>;
  /** Resolves when nothing runs any more; `onChange` is not called after this returns. */
  stop(): Promise<void>;
}

const retry = { baseMs: 100, maxMs: 10_000 };
/** The server ends a watch after 5 to 10 minutes, spread so that not all come back at once; as client-go does. */
const watchSecondsMin = 300;

/**
 * Mirrors a collection by list and watch: resumes a broken watch from the last version seen, lists again when the server
 * has forgotten that version (410), and waits with exponential back-off and jitter after failures.
 */
export function startInformer<T extends WatchedObject>(options: InformerOptions<T>): Informer<T> {
  const stopping = new AbortController();
  const state: State<T> = { options, objects: new Map(), version: '', signal: stopping.signal };
  const { promise: synced, resolve: markSynced } = Promise.withResolvers<void>();
  const running = run(state, markSynced).finally(markSynced);
  return {
    objects: () => [...state.objects.values()],
    get: (namespace, name) => state.objects.get(`${namespace ?? ''}/${name}`),
    synced,
    stop() {
      stopping.abort();
      return running;
    },
  };
}

interface State<T> {
  readonly options: InformerOptions<T>;
  readonly objects: Map<string, T>;
  /** Where the next watch starts; empty asks for a list. */
  version: string;
  readonly signal: AbortSignal;
}

async function run<T extends WatchedObject>(state: State<T>, markSynced: () => void): Promise<void> {
  let failures = 0;
  while (!state.signal.aborted) {
    const needsList = state.version === '';
    const done: Result<unknown, ApiError> = needsList ? await list(state) : await watch(state);
    if (state.signal.aborted) return;
    if (done.ok) {
      failures = 0;
      if (needsList) markSynced();
      continue;
    }
    // A forgotten version is no failure of the server: list at once, but only once. A server that keeps
    // refusing a version for other reasons has lost its history.
    const forgotten = done.error.code === 410 || (done.error.code > 0 && failures >= 2);
    if (forgotten) state.version = '';
    else state.options.onError?.(done.error);
    if (!forgotten || failures > 0) await pause(backoffMs(failures, retry) * (0.5 + Math.random()), state.signal);
    failures++;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}

/** Replaces the mirror by a fresh list, telling only what differs. */
async function list<T extends WatchedObject>(state: State<T>): Promise<Result<unknown, ApiError>> {
  const { client, labelSelector, fieldSelector, ...path } = state.options;
  const listed = await client.list<T>(path, { labelSelector, fieldSelector, signal: state.signal });
  if (!listed.ok || state.signal.aborted) return listed;
  const gone = new Set(state.objects.keys());
  for (const item of listed.value.items) gone.delete(put(state, item));
  for (const key of gone) remove(state, key);
  state.version = listed.value.resourceVersion;
  return listed;
}

/** Follows one watch to its end. An orderly end is a success; the loop then watches on. */
async function watch<T extends WatchedObject>(state: State<T>): Promise<Result<unknown, ApiError>> {
  const { client, labelSelector, fieldSelector } = state.options;
  const timeoutSeconds = Math.round(watchSecondsMin * (1 + Math.random()));
  const resume = { watch: true, allowWatchBookmarks: true, resourceVersion: state.version, timeoutSeconds };
  const query = { ...resume, labelSelector, fieldSelector };
  const limit = deadline(state.signal, (timeoutSeconds + 30) * 1000);
  try {
    const opened = await client.transport.open({
      method: 'GET',
      path: urlPath(state.options),
      query,
      signal: limit.signal,
    });
    return opened.ok ? await follow(state, opened.value) : opened;
  } finally {
    limit.release();
  }
}

async function follow<T extends WatchedObject>(
  state: State<T>,
  response: IncomingMessage,
): Promise<Result<unknown, ApiError>> {
  const openedAt = performance.now();
  let seen = 0;
  try {
    for await (const event of watchEvents(response)) {
      if (state.signal.aborted) break;
      seen++;
      const error = apply(state, event.type, event.object);
      if (error) return fail(error);
    }
  } catch (error) {
    if (seen === 0 || error instanceof SyntaxError) return fail(transportError(state.options.client.access, error));
  } finally {
    response.destroy();
  }
  // A server that ends watches at once would otherwise be asked without pause.
  const idle = seen === 0 && performance.now() - openedAt < 1000;
  return idle ? fail(localError('WatchEnded', 'the server ended a watch at once')) : ok(undefined);
}

function apply<T extends WatchedObject>(state: State<T>, type: string, object: unknown): ApiError | undefined {
  if (typeof object !== 'object' || object === null)
    return localError('BadResponse', 'a watch event carries no object');
  if (type === 'ERROR') {
    const status: Status = object;
    const message = status.message ?? 'the watch failed';
    return { code: status.code ?? 500, reason: status.reason ?? 'Unknown', message, status };
  }
  const changed = object as T;
  if (type === 'ADDED' || type === 'MODIFIED') put(state, changed);
  if (type === 'DELETED') remove(state, keyOf(changed), changed);
  state.version = changed.metadata?.resourceVersion ?? state.version;
  return undefined;
}

function put<T extends WatchedObject>(state: State<T>, object: T): string {
  const key = keyOf(object);
  const previous = state.objects.get(key);
  const version = object.metadata?.resourceVersion;
  if (previous && version !== undefined && previous.metadata?.resourceVersion === version) return key;
  state.objects.set(key, object);
  tell(state, previous ? { type: 'modified', object, previous } : { type: 'added', object });
  return key;
}

function remove<T extends WatchedObject>(state: State<T>, key: string, last?: T): void {
  const object = state.objects.get(key);
  if (state.objects.delete(key) && object) tell(state, { type: 'deleted', object: last ?? object });
}

function tell<T>({ options, signal }: State<T>, change: InformerChange<T>): void {
  if (signal.aborted) return;
  try {
    options.onChange?.(change);
  } catch (error) {
    // A faulty listener must not end the mirror.
    options.onError?.(localError('Listener', `a listener failed: ${messageOf(error)}`));
  }
}

function keyOf({ metadata }: WatchedObject): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}
