import type { KubernetesObject } from '../../store.ts';
import { apiVersionOf } from '../registry/definition.ts';
import { badRequest, notFound } from '../status.ts';
import { partialMetadata, presentOne, requestedForm, table } from './presentation.ts';
import type { ResourceRequest } from './request.ts';
import { sendJson } from './respond.ts';
import { queryMatcher } from './selectors.ts';
import { storageKey, toServed } from './versions.ts';

export function handleGet(call: ResourceRequest): void {
  sendObject(call, 200, requireObject(call));
}

/** The stored object that the path names; 404 when there is none. */
export function requireObject({ context, resource, namespace, name = '' }: ResourceRequest): KubernetesObject {
  const object = context.store.get(storageKey(resource), namespace, name);
  if (!object) throw notFound(resource.definition, name);
  return object;
}

export function sendObject(call: ResourceRequest, code: number, object: KubernetesObject): void {
  const { context, resource, request, response, query } = call;
  const form = requestedForm(request.headers.accept);
  const options = { now: context.store.now(), include: query.get('includeObject'), columns: true };
  sendJson(response, code, presentOne(form, resource, object, options));
}

/** Objects of the resource and namespace that the query selects, in order. */
export function selectObjects({ context, resource, namespace, query }: ResourceRequest): readonly KubernetesObject[] {
  const matches = queryMatcher(resource, query);
  const all = context.store.list(storageKey(resource), namespace);
  return matches
    ? all.filter((object) => matches(matchForm(resource.definition.storedAs, toServed(resource, object), object)))
    : all;
}

/** Selectors read the object as the client sees it. */
function matchForm(storedAs: string | undefined, shown: KubernetesObject, stored: KubernetesObject): KubernetesObject {
  return storedAs === undefined ? stored : shown;
}

export function handleList(call: ResourceRequest): void {
  const { context, resource, request, response, query } = call;
  const selected = selectObjects(call);
  const { items, metadata } = page(selected, query, String(context.store.revision));
  const form = requestedForm(request.headers.accept);
  if (form === 'table') {
    const options = { now: context.store.now(), include: query.get('includeObject'), columns: true };
    sendJson(response, 200, table(resource, items, metadata, options));
  } else if (form === 'metadata') {
    const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata };
    sendJson(response, 200, { ...list, items: items.map(partialMetadata) });
  } else {
    const { definition, served } = resource;
    sendJson(response, 200, {
      kind: definition.listKind,
      apiVersion: apiVersionOf(definition.group, served.version),
      metadata,
      items: items.map((object) => toServed(resource, object)),
    });
  }
}

interface Page {
  readonly items: readonly KubernetesObject[];
  readonly metadata: Record<string, unknown>;
}

/** `limit` and `continue`; the token names the last object of the page before. */
function page(objects: readonly KubernetesObject[], query: URLSearchParams, revision: string): Page {
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isInteger(limit) || limit < 0) throw badRequest(`limit: Invalid value: "${query.get('limit')}"`);
  const token = query.get('continue');
  const after = token ? readToken(token) : undefined;
  const start = after === undefined ? 0 : objects.findIndex((object) => positionOf(object) > after);
  const rest = start < 0 ? [] : objects.slice(start);
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  const left = rest.length - items.length;
  if (left === 0 || !last) return { items, metadata: { resourceVersion: revision } };
  const selected = query.has('labelSelector') || query.has('fieldSelector');
  const next = Buffer.from(JSON.stringify({ v: 1, after: positionOf(last) })).toString('base64url');
  return {
    items,
    metadata: { resourceVersion: revision, continue: next, ...(selected ? {} : { remainingItemCount: left }) },
  };
}

function positionOf(object: KubernetesObject): string {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
}

function readToken(token: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && 'after' in value && typeof value.after === 'string')
      return value.after;
  } catch {
    // Falls through to the one error for every bad token.
  }
  throw badRequest('continue key is not valid');
}
