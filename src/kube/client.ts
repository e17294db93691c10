import { fail, ok, type Result } from '../base/index.ts';
import type { ClusterAccess } from './access.ts';
import { type ApiError, localError } from './api-error.ts';
import { createTransport, type HttpRequest, type Query, type Transport } from './http.ts';
import { type ResourcePath, urlPath } from './paths.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface ListOptions extends CallOptions {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface PatchOptions extends CallOptions {
  /** `apply` is server-side apply. */
  readonly type: 'merge' | 'json' | 'strategic' | 'apply';
  readonly fieldManager?: string;
  readonly force?: boolean;
}

export interface DeleteCallOptions extends CallOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number | undefined;
  readonly uid?: string;
}

/** Everything of one kind, as at one resource version. */
export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** Requests to one cluster. `create` and `list` take a collection's path, the others an object's. */
export interface KubeClient {
  readonly access: ClusterAccess;
  readonly transport: Transport;
  get<T>(path: ResourcePath, options?: CallOptions): Promise<Result<T, ApiError>>;
  /** All pages together. */
  list<T>(path: ResourcePath, options?: ListOptions): Promise<Result<ObjectList<T>, ApiError>>;
  create<T>(path: ResourcePath, object: unknown, options?: CallOptions): Promise<Result<T, ApiError>>;
  update<T>(path: ResourcePath, object: unknown, options?: CallOptions): Promise<Result<T, ApiError>>;
  updateStatus<T>(path: ResourcePath, object: unknown, options?: CallOptions): Promise<Result<T, ApiError>>;
  patch<T>(path: ResourcePath, patch: unknown, options: PatchOptions): Promise<Result<T, ApiError>>;
  delete(path: ResourcePath, options?: DeleteCallOptions): Promise<Result<unknown, ApiError>>;
  /** Any request that answers JSON. */
  request<T>(request: HttpRequest): Promise<Result<T, ApiError>>;
  /** Closes idle connections; informers and streams are stopped by their own. */
  close(): void;
}

const patchTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const pageSize = 500;

export function createClient(access: ClusterAccess): KubeClient {
  const transport = createTransport(access);
  const request = async <T>(wanted: HttpRequest): Promise<Result<T, ApiError>> => {
    const answer = await transport.exchange(wanted);
    return answer.ok ? parseJson<T>(answer.value) : answer;
  };
  const send = <T>(method: string, path: ResourcePath, object: unknown, options: CallOptions = {}) =>
    request<T>({ method, path: urlPath(path), body: JSON.stringify(object), ...limits(options) });
  return {
    access,
    transport,
    request,
    get: (path, options = {}) => request({ method: 'GET', path: urlPath(path), ...limits(options) }),
    list: (path, options = {}) => listAll(request, path, options),
    create: (path, object, options) => send('POST', path, object, options),
    update: (path, object, options) => send('PUT', path, object, options),
    updateStatus: (path, object, options) => send('PUT', { ...path, subresource: 'status' }, object, options),
    patch: (path, patch, { type, fieldManager, force, ...options }) =>
      request({
        method: 'PATCH',
        path: urlPath(path),
        // Server-side apply is refused without a manager.
        query: { fieldManager: fieldManager ?? (type === 'apply' ? 'ciliate' : undefined), force },
        contentType: patchTypes[type],
        body: JSON.stringify(patch),
        ...limits(options),
      }),
    delete: (path, { propagationPolicy = 'Background', gracePeriodSeconds, uid, ...options } = {}) => {
      const body = { propagationPolicy, gracePeriodSeconds, ...(uid === undefined ? {} : { preconditions: { uid } }) };
      return send('DELETE', path, body, options);
    },
    close: () => transport.close(),
  };
}

function limits({ signal, timeoutMs }: CallOptions): CallOptions {
  return { signal, timeoutMs };
}

function parseJson<T>(text: string): Result<T, ApiError> {
  try {
    return ok(JSON.parse(text) as T);
  } catch {
    return fail(localError('BadResponse', `the server's answer is not JSON: ${text.slice(0, 80)}`));
  }
}

interface Page<T> {
  readonly items?: readonly T[] | null;
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

async function listAll<T>(
  request: KubeClient['request'],
  path: ResourcePath,
  { labelSelector, fieldSelector, ...options }: ListOptions,
): Promise<Result<ObjectList<T>, ApiError>> {
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    const query: Query = { limit: pageSize, labelSelector, fieldSelector, continue: next };
    const page = await request<Page<T>>({ method: 'GET', path: urlPath(path), query, ...limits(options) });
    if (!page.ok) return page;
    const { metadata = {}, kind, apiVersion } = page.value;
    // Items of a list carry no type of their own on real servers.
    const type = kind?.endsWith('List') && apiVersion ? { apiVersion, kind: kind.slice(0, -4) } : {};
    for (const item of page.value.items ?? []) items.push({ ...type, ...item });
    next = metadata.continue;
    if (!next) return ok({ items, resourceVersion: metadata.resourceVersion ?? '' });
  }
}
