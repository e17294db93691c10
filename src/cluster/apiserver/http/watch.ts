import type { KubernetesObject } from '../../store.ts';
import { apiVersionOf } from '../registry/definition.ts';
import { badRequest, StatusError } from '../status.ts';
import type { ChangeEvent } from '../store/cache.ts';
import { type Form, presentOne, requestedForm } from './presentation.ts';
import { selectObjects } from './read.ts';
import type { ResourceRequest } from './request.ts';
import { queryMatcher } from './selectors.ts';
import { storageKey, toServed } from './versions.ts';

const DEFAULT_TIMEOUT_S = 1800;
const MAX_TIMEOUT_S = 3600;
const BOOKMARK_MS = 60_000;
/** A client this far behind is cut off and lists again. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;

/** Streams changes, one JSON document per line, until the timeout, the client or the server ends it. */
export function handleWatch(call: ResourceRequest): void {
  const { context, query, response, resource } = call;
  const writer = openStream(call);
  const start = startRevision(call);
  // Subscribing first throws 410 while the answer can still be an ordinary one.
  const queue: ChangeEvent[] = [];
  let live = false;
  const unsubscribe = context.store.subscribe(storageKey(resource), start.since, (event) => {
    if (live) writer.change(event);
    else queue.push(event);
  });
  writer.begin();
  if (start.initial) for (const object of selectObjects(call)) writer.send('ADDED', object);
  if (query.get('sendInitialEvents') === 'true') writer.bookmark(true);
  live = true;
  for (const event of queue) writer.change(event);

  const asked = Number(query.get('timeoutSeconds') ?? DEFAULT_TIMEOUT_S) || DEFAULT_TIMEOUT_S;
  const timeout = setTimeout(() => response.end(), Math.min(Math.max(asked, 1), MAX_TIMEOUT_S) * 1000);
  const bookmarks = setInterval(() => writer.bookmark(false), BOOKMARK_MS);
  const end = () => response.end();
  context.closing.addEventListener('abort', end, { once: true });
  response.on('close', () => {
    unsubscribe();
    clearTimeout(timeout);
    clearInterval(bookmarks);
    context.closing.removeEventListener('abort', end);
  });
}

/** Where the stream starts: present objects first when the client gave no version to go on from. */
function startRevision({ context, query }: ResourceRequest): { readonly since: number; readonly initial: boolean } {
  const text = query.get('resourceVersion') ?? '';
  const now = context.store.revision;
  if (text !== '' && !/^\d{1,15}$/.test(text)) throw badRequest(`resourceVersion: Invalid value: "${text}"`);
  if (query.get('sendInitialEvents') === 'true' || text === '' || text === '0') return { since: now, initial: true };
  const since = Number(text);
  if (since > now)
    throw new StatusError(504, 'Timeout', `Too large resource version: ${since}, current: ${now}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    });
  return { since, initial: false };
}

interface StreamWriter {
  begin(): void;
  change(event: ChangeEvent): void;
  send(type: string, object: KubernetesObject): void;
  bookmark(initialEnd: boolean): void;
}

function openStream(call: ResourceRequest): StreamWriter {
  const { context, resource, namespace, query, request, response } = call;
  const form: Form = requestedForm(request.headers.accept);
  const matches = queryMatcher(resource, query);
  const bookmarksWanted = query.get('allowWatchBookmarks') === 'true';
  let first = true;

  const write = (type: string, object: unknown) => {
    if (response.writableEnded || response.destroyed) return;
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
  };
  const selects = (object: KubernetesObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    (!matches || matches(resource.definition.storedAs === undefined ? object : toServed(resource, object)));
  const send = (type: string, object: KubernetesObject) => {
    const options = { now: context.store.now(), include: query.get('includeObject'), columns: first };
    first = false;
    write(type, presentOne(form, resource, object, options));
  };

  return {
    begin() {
      response.writeHead(200, {
        'Content-Type':
          form === 'table'
            ? 'application/json;as=Table;v=v1;g=meta.k8s.io;stream=watch'
            : 'application/json;stream=watch',
        'Cache-Control': 'no-cache, private',
      });
      response.flushHeaders();
    },
    send,
    change({ type, object, previous }) {
      const now = selects(object);
      if (type !== 'MODIFIED') {
        if (now) send(type, object);
        return;
      }
      const before = previous !== undefined && selects(previous);
      if (now) send(before ? 'MODIFIED' : 'ADDED', object);
      else if (before) send('DELETED', object);
    },
    bookmark(initialEnd) {
      if (!initialEnd && !bookmarksWanted) return;
      const { definition, served } = resource;
      const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
      write('BOOKMARK', {
        kind: definition.kind,
        apiVersion: apiVersionOf(definition.group, served.version),
        metadata: { resourceVersion: String(context.store.revision), ...annotations },
      });
    },
  };
}
