import type { StreamTest } from '../accesslog/filter.ts';
import { readStreamFilter } from '../accesslog/filter.ts';
import { readDataSource } from '../config/data-source.ts';
import type { Fields } from '../config/fields.ts';
import type { LocalReply } from '../filter/filter.ts';
import { readFormatString } from '../format/format-string.ts';
import { applyMutation, applyMutations, type HeaderMutation, readHeaderOption } from '../route/mutation.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { grpcCodeOf, isGrpcType, percentEncode } from './grpc-status.ts';
import { ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';
import type { HttpStream } from './stream.ts';
import type { StreamInfo } from './stream-info.ts';

export interface BodyFormat {
  readonly contentType: string;
  readonly text: (info: StreamInfo) => string;
}

interface Mapper {
  readonly test: StreamTest;
  readonly status: number | undefined;
  readonly body: string | undefined;
  readonly format: BodyFormat | undefined;
  readonly headers: HeaderMutation;
}

/** How a connection manager words its own answers. */
export interface LocalReplyConfig {
  readonly mappers: readonly Mapper[];
  readonly format: BodyFormat | undefined;
}

export const PLAIN_REPLIES: LocalReplyConfig = { mappers: [], format: undefined };

/** Reads an `envoy.extensions.filters.network.http_connection_manager.v3.LocalReplyConfig`. */
export function readLocalReplyConfig(fields: Fields, runtime: Runtime): LocalReplyConfig {
  return {
    mappers: fields.list('mappers', (mapper) => ({
      test: mapper.message('filter', (inner) => readStreamFilter(inner, runtime)) ?? (() => true),
      status: mapper.number('status_code'),
      body: mapper.message('body', (source) => readDataSource(source)),
      format: mapper.message('body_format_override', readFormatString),
      headers: { add: mapper.list('headers_to_add', readAddition).filter((one) => one !== undefined), remove: [] },
    })),
    format: fields.message('body_format', readFormatString),
  };
}

const readAddition = (fields: Fields): ReturnType<typeof readHeaderOption> => readHeaderOption(fields, 'response');

/** The response for a reply after mapping, of which the stream then has the status; that of gRPC is another. Its headers stand in Envoy's order: the route's, the reply's, the mapper's, then those of its body. */
export function localReplyHead(
  stream: HttpStream,
  reply: LocalReply,
): { readonly head: ResponseHead; readonly body: string } {
  const { localReplies } = stream.manager;
  const head = new ResponseHead();
  const { headers } = head;
  head.status = reply.status;
  stream.response = head;
  if (reply.bare) {
    stream.status = reply.status;
    for (const [name, value] of reply.headers ?? []) headers.add(name, value);
    return { head, body: '' };
  }
  // What the route adds sees no status yet.
  stream.status = 0;
  stream.localReplyBody = '';
  addRouteHeaders(stream, reply, headers);
  reply.modify?.(headers);
  if (reply.contentType !== undefined) headers.set('content-type', reply.contentType);
  stream.status = reply.status;
  stream.localReplyBody = reply.body;
  const mapper = localReplies.mappers.find(({ test }) => test(stream));
  if (mapper?.body !== undefined) stream.localReplyBody = mapper.body;
  if (mapper) applyMutation(mapper.headers, headers, stream);
  if (mapper?.status !== undefined) stream.status = head.status = mapper.status;
  const format = mapper?.format ?? localReplies.format;
  const body = format ? format.text(stream) : stream.localReplyBody;
  stream.localReplyBody = '';
  if (isGrpc(stream)) {
    // A JSON format ends with a line feed, which is no part of a message. HEAD gets no message.
    const message = stream.head.method === 'HEAD' ? '' : format ? body.trimEnd() : body;
    becomeGrpc(head, message, reply.grpcStatus);
    return { head, body: '' };
  }
  if (body === '') {
    headers.remove('content-length');
    headers.remove('content-type');
    return { head, body };
  }
  headers.set('content-length', String(body.length));
  const type = format?.contentType ?? PLAIN_TEXT;
  if (!headers.has('content-type') || (body !== reply.body && type !== PLAIN_TEXT)) headers.set('content-type', type);
  return { head, body };
}

const PLAIN_TEXT = 'text/plain';

/** What the reply and the route add, in Envoy's order. A route without a cluster adds to its own answer alone. */
function addRouteHeaders(stream: HttpStream, reply: LocalReply, headers: HeaderMap): void {
  const { route } = stream;
  const own = reply.headers ?? [];
  if (reply.ofRoute) for (const [name, value] of own) headers.add(name, value);
  if (route && (reply.ofRoute || route.action.kind === 'forward')) {
    applyMutations(route.responseMutations, headers, stream);
  }
  if (!reply.ofRoute) for (const [name, value] of own) headers.add(name, value);
}

function isGrpc(stream: HttpStream): boolean {
  return !stream.plainReplies && isGrpcType(stream.head.headers.get('content-type'));
}

function becomeGrpc(head: ResponseHead, body: string, code: number | undefined): void {
  const { headers } = head;
  headers.set('content-type', 'application/grpc');
  if (!headers.has('grpc-status')) headers.add('grpc-status', String(code ?? grpcCodeOf(head.status)));
  if (body !== '') headers.set('grpc-message', percentEncode(body));
  headers.remove('content-length');
  head.status = 200;
}
