import { randomUUID } from 'node:crypto';
import os from 'node:os';
import { fail, ok, type Result } from '../../base/index.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { compileDuration } from './duration.ts';
import { grpcStatusName } from './grpc-status.ts';
import { type Command, plainCommands } from './plain-commands.ts';
import { formatTime } from './time.ts';

export type { Command };

/** A command that takes an argument; undefined where it stands without one. */
type Compile = (argument: string | undefined) => Result<Command, string>;

type HeaderLookup = (info: StreamInfo, name: string) => string | undefined;

/** Of a repeated header Envoy's formatters show the first value. */
const requestHeader: HeaderLookup = (info, name) => {
  if (name.startsWith(':') || name === 'host') return info.requestHeader(name);
  return info.request?.headers.get(name) ?? (name === 'x-envoy-original-path' ? info.originalPath : undefined);
};
const responseHeader: HeaderLookup = (info, name) =>
  name === ':status' ? info.responseHeader(name) : info.response?.headers.get(name);
const responseTrailer: HeaderLookup = (info, name) => info.responseTrailers?.get(name);

const withArgument: Readonly<Record<string, Compile>> = {
  REQ: headerCommand('REQ', requestHeader),
  REQUEST_HEADER: headerCommand('REQUEST_HEADER', requestHeader),
  RESP: headerCommand('RESP', responseHeader),
  RESPONSE_HEADER: headerCommand('RESPONSE_HEADER', responseHeader),
  TRAILER: headerCommand('TRAILER', responseTrailer),
  RESPONSE_TRAILER: headerCommand('RESPONSE_TRAILER', responseTrailer),
  RESPONSE_CODE_DETAILS: (argument) =>
    ok(
      argument === 'ALLOW_WHITESPACES'
        ? (info) => info.details || undefined
        : (info) => info.details.replaceAll(/\s/g, '_') || undefined,
    ),
  START_TIME: (argument) => ok((info) => formatTime(info.startTime, argument)),
  EMIT_TIME: (argument) => ok(() => formatTime(Date.now(), argument)),
  COMMON_DURATION: compileDuration,
  DYNAMIC_METADATA: (argument) => {
    if (!argument) return fail('DYNAMIC_METADATA requires parameters');
    const [namespace = '', ...path] = argument.split(':');
    return ok((info) => info.metadata(namespace, path));
  },
  QUERY_PARAM: (argument) =>
    argument ? ok((info) => queryParameter(info, argument)) : fail('QUERY_PARAM requires parameters'),
  QUERY_PARAMS: (argument = 'ORIG') =>
    argument === 'ORIG'
      ? ok((info) => queryOf(info.request?.path))
      : fail(`Invalid QUERY_PARAMS option: '${argument}', only 'ORIG' is supported by ciliate-proxy`),
  PATH: compilePath,
  ENVIRONMENT: (argument) => {
    if (!argument) return fail('ENVIRONMENT requires parameters');
    const value = process.env[argument];
    return ok(() => value);
  },
  HOSTNAME: (argument) => {
    if (argument !== undefined) return noParameters('HOSTNAME');
    const name = os.hostname();
    return ok(() => name);
  },
  UNIQUE_ID: (argument) => (argument === undefined ? ok(() => randomUUID()) : noParameters('UNIQUE_ID')),
  GRPC_STATUS: (argument) => ok((info) => grpcStatusName(info, argument ?? '')),
  GRPC_STATUS_NUMBER: () => ok((info) => grpcStatusName(info, 'NUMBER')),
};

const noParameters = (name: string): Result<Command, string> => fail(`${name} does not take any parameters or length`);

/** Compiles `NAME` or `NAME(argument)`; the error is Envoy's text, or names what there is. */
export function compileCommand(name: string, argument: string | undefined, hasLimit: boolean): Result<Command, string> {
  const plain = plainCommands[name];
  if (plain) return argument === undefined && !hasLimit ? ok(plain) : noParameters(name);
  const compile = withArgument[name];
  if (compile) return compile(argument);
  return fail(`Not supported field in StreamInfo: ${name}; supported by ciliate-proxy: ${commandNames()}`);
}

/** `X?Y`: the first header, or the second when the first is absent. */
function headerCommand(name: string, lookup: HeaderLookup): Compile {
  return (argument) => {
    if (!argument) return fail(`${name} requires parameters`);
    const [first = '', second, third] = argument.toLowerCase().split('?');
    if (third !== undefined) return fail(`More than 1 alternative header specified in token: ${argument}`);
    if (second === undefined) return ok((info) => lookup(info, first));
    return ok((info) => lookup(info, first) ?? lookup(info, second));
  };
}

function queryOf(path: string | undefined): string | undefined {
  const at = path?.indexOf('?') ?? -1;
  return path === undefined || at < 0 ? undefined : path.slice(at + 1);
}

function queryParameter({ request }: StreamInfo, name: string): string | undefined {
  for (const pair of queryOf(request?.path)?.split('&') ?? []) {
    const at = pair.indexOf('=');
    if ((at < 0 ? pair : pair.slice(0, at)) === name) return at < 0 ? '' : pair.slice(at + 1);
  }
  return undefined;
}

/** `PATH(WQ)` with the query, `PATH(NQ)` without; the path as it came, before rewrites. */
function compilePath(argument = 'WQ'): Result<Command, string> {
  if (argument !== 'WQ' && argument !== 'NQ' && argument !== '') {
    return fail(`Invalid PATH option: '${argument}', only 'WQ'/'NQ' are allowed`);
  }
  const path = (info: StreamInfo): string | undefined => info.originalPath ?? info.request?.path;
  return ok(argument === 'NQ' ? (info) => path(info)?.split('?', 1)[0] : path);
}

function commandNames(): string {
  return [...Object.keys(plainCommands), ...Object.keys(withArgument)].sort().join(', ');
}
