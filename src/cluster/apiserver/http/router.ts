import type { IncomingMessage, ServerResponse } from 'node:http';
import { methodNotAllowed, noSuchResource, StatusError } from '../status.ts';
import { handleCreate, handleDelete, handleDeleteCollection, handlePatch, handleReplace } from './mutate.ts';
import { handleGet, handleList } from './read.ts';
import { parseResourcePath, type ResourceRequest, type ServerContext, type User, userOf } from './request.ts';
import { sendStatus } from './respond.ts';
import { handleReview } from './reviews.ts';
import { handleStaticPath } from './static-paths.ts';
import { handleSubresource } from './subresources.ts';
import { handleWatch } from './watch.ts';

const UNAUTHORIZED = new StatusError(401, 'Unauthorized', 'Unauthorized');

/** Answers one request; failures become a Status, never a stack trace. */
export async function handleRequest(
  context: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const user = userOf(request);
    if (!user) throw UNAUTHORIZED;
    const url = requestUrl(request);
    if (handleStaticPath(context.store.registry, request, response, url.pathname)) return;
    await handleResource(resourceRequest(context, request, response, user, url));
  } catch (error) {
    answerFailure(context, request, response, error);
  }
}

export function requestUrl(request: IncomingMessage): URL {
  const url = URL.parse(`https://server${request.url ?? '/'}`);
  if (!url) throw new StatusError(400, 'BadRequest', 'the request path is not a URL');
  return url;
}

function answerFailure(
  context: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  if (error instanceof StatusError) {
    if (!request.complete) response.setHeader('Connection', 'close');
    sendStatus(response, error.status);
    return;
  }
  // The client broke off: there is nobody to answer.
  if (request.destroyed && !request.complete) return;
  context.log.error({ err: error, method: request.method, url: request.url }, 'request failed');
  sendStatus(
    response,
    new StatusError(500, 'InternalError', 'Internal error occurred; the server has logged it').status,
  );
}

/** Takes the request to a resource apart; 404 when there is no such resource. */
export function resourceRequest(
  context: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
  user: User,
  url: URL,
): ResourceRequest {
  const path = parseResourcePath(url.pathname);
  const resource = path && context.store.registry.byPlural(path.group, path.version, path.plural);
  if (!path || !resource) throw noSuchResource();
  const { namespaced } = resource.definition;
  if (!namespaced && path.namespace !== undefined) throw noSuchResource();
  if (namespaced && path.name !== undefined && path.namespace === undefined) throw noSuchResource();
  const { namespace, name, subresource } = path;
  return { context, request, response, user, resource, namespace, name, subresource, query: url.searchParams };
}

async function handleResource(call: ResourceRequest): Promise<void> {
  if (call.resource.definition.ephemeral) return handleReview(call);
  if (call.subresource !== undefined) return handleSubresource(call);
  return call.name === undefined ? handleCollection(call) : handleObject(call);
}

async function handleCollection(call: ResourceRequest): Promise<void> {
  const watch = call.query.get('watch');
  switch (call.request.method) {
    case 'GET':
      return watch === 'true' || watch === '1' ? handleWatch(call) : handleList(call);
    case 'POST':
      return handleCreate(call);
    case 'DELETE':
      return handleDeleteCollection(call);
    default:
      throw methodNotAllowed();
  }
}

async function handleObject(call: ResourceRequest): Promise<void> {
  switch (call.request.method) {
    case 'GET':
      return handleGet(call);
    case 'PUT':
      return handleReplace(call);
    case 'PATCH':
      return handlePatch(call);
    case 'DELETE':
      return handleDelete(call);
    default:
      throw methodNotAllowed();
  }
}
