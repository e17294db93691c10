import { fail, ok } from '../../base/index.ts';
import { grpcStatusOf, isGrpcType } from '../http/grpc-status.ts';
import { fieldBytes, requestHeadBytes, responseHeadBytes } from '../http/head-bytes.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { queryValue } from '../match/query.ts';
import { alone, type Command, type CommandKind, headerNames } from './command.ts';

type Lookup = (info: StreamInfo) => string | undefined;

function headerKind(lookupOf: (name: string) => Lookup): CommandKind {
  return {
    argument: 'required',
    length: true,
    make: (argument) => {
      const names = headerNames(argument);
      if (!names.ok) return names;
      const first = lookupOf(names.value[0]);
      if (names.value[1] === '') return ok(first);
      const second = lookupOf(names.value[1]);
      return ok((info) => first(info) ?? second(info));
    },
  };
}

function requestHeader(name: string): Lookup {
  switch (name) {
    case ':method':
      return (info) => info.request?.method;
    case ':path':
      return (info) => info.request?.path || undefined;
    case ':authority':
    case ':scheme':
    case 'host':
      return (info) => info.requestHeader(name);
    default:
      return name.startsWith(':') ? () => undefined : (info) => info.request?.headers.get(name);
  }
}

const responseHeader =
  (name: string): Lookup =>
  (info) =>
    info.responseHeader(name);
const responseTrailer =
  (name: string): Lookup =>
  (info) =>
    info.responseTrailers?.get(name);

/** Commands about the messages of a request. Names and meaning as in Envoy's access log documentation. */
export const HTTP_COMMANDS: Readonly<Record<string, CommandKind>> = {
  REQ: headerKind(requestHeader),
  STREAM_INFO_REQ: headerKind(requestHeader),
  RESP: headerKind(responseHeader),
  TRAILER: headerKind(responseTrailer),
  REQUEST_HEADER: headerKind(requestHeader),
  RESPONSE_HEADER: headerKind(responseHeader),
  RESPONSE_TRAILER: headerKind(responseTrailer),
  REQUEST_HEADERS_BYTES: alone((info) => (info.request ? requestHeadBytes(info.request) : 0)),
  RESPONSE_HEADERS_BYTES: alone((info) => (info.response ? responseHeadBytes(info.response) : 0)),
  RESPONSE_TRAILERS_BYTES: alone((info) => (info.responseTrailers ? fieldBytes(info.responseTrailers) : 0)),
  LOCAL_REPLY_BODY: alone((info) => info.localReplyBody),
  GRPC_STATUS: { argument: 'optional', length: false, make: (argument) => grpcStatus(argument) },
  GRPC_STATUS_NUMBER: alone((info) => grpcNumber(info)),
  QUERY_PARAM: {
    argument: 'required',
    length: true,
    make: (name) =>
      ok((info) => {
        const value = decodedQueryValue(info.request?.path ?? '', name);
        return value === undefined ? undefined : decodePercent(value);
      }),
  },
  QUERY_PARAMS: { argument: 'optional', length: true, make: (argument) => queryParams(argument) },
  PATH: { argument: 'optional', length: true, make: (argument) => pathCommand(argument) },
};

/** The first value whose name is so once decoded. */
function decodedQueryValue(path: string, name: string): string | undefined {
  if (!path.includes('%')) return queryValue(path, name);
  const mark = path.indexOf('?');
  if (mark < 0) return undefined;
  for (const pair of path.slice(mark + 1).split('&')) {
    const equals = pair.indexOf('=');
    if (decodePercent(equals < 0 ? pair : pair.slice(0, equals)) === name)
      return equals < 0 ? '' : pair.slice(equals + 1);
  }
  return undefined;
}

/** Every well-formed triplet becomes its byte, all else stays. */
function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As Envoy decodes a query for a log: only visible ASCII, and a `%` before anything but two digits goes. */
function decodeVisible(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9A-Fa-f]{2})|%(?=..)/g, (all, hex: string | undefined) => {
    if (hex === undefined) return '';
    const code = Number.parseInt(hex, 16);
    return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : all;
  });
}

function queryParams(argument: string): ReturnType<CommandKind['make']> {
  if (argument !== '' && argument !== 'ORIG' && argument !== 'DECODED') {
    return fail(`Invalid QUERY_PARAMS option: '${argument}', only 'ORIG'/'DECODED' are allowed`);
  }
  return ok((info) => {
    const path = info.request?.path ?? '';
    const mark = path.indexOf('?');
    const query = mark < 0 ? '' : path.slice(mark + 1);
    if (query === '') return undefined;
    return argument === 'DECODED' ? decodeVisible(query) : query;
  });
}

function pathCommand(argument: string): ReturnType<CommandKind['make']> {
  const [query = '', source = ''] = argument.split(':');
  if (query !== '' && query !== 'WQ' && query !== 'NQ') {
    return fail(`Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed`);
  }
  if (source !== '' && source !== 'ORIG' && source !== 'PATH' && source !== 'ORIG_OR_PATH') {
    return fail(`Invalid PATH option: '${source}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`);
  }
  const original = (info: StreamInfo): string | undefined => info.request?.headers.get('x-envoy-original-path');
  const now = (info: StreamInfo): string | undefined => info.requestHeader(':path');
  const find =
    source === 'ORIG' ? original : source === 'PATH' ? now : (info: StreamInfo) => original(info) ?? now(info);
  if (query !== 'NQ') return ok(find);
  return ok((info) => {
    const path = find(info);
    const mark = path?.indexOf('?') ?? -1;
    return mark < 0 ? path : path?.slice(0, mark);
  });
}

const CAMEL = (
  'OK Canceled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted ' +
  'FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated'
).split(' ');
const SNAKE = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED ' +
  'FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'
).split(' ');

function grpcStatus(argument: string): ReturnType<CommandKind['make']> {
  switch (argument) {
    case '':
    case 'CAMEL_STRING':
      return ok(named(CAMEL));
    case 'SNAKE_STRING':
      return ok(named(SNAKE));
    case 'NUMBER':
      return ok(grpcNumber);
    default:
      return fail(`GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: ${argument}`);
  }
}

function named(names: readonly string[]): Command {
  return (info) => {
    const number = grpcNumber(info);
    return number === undefined ? undefined : (names[number] ?? String(number));
  };
}

/** Of a gRPC request: from the trailers, else from the headers, else what stands for the HTTP status. */
function grpcNumber(info: StreamInfo): number | undefined {
  return isGrpcType(info.request?.headers.get('content-type')) ? grpcStatusOf(info) : undefined;
}
