import { fail, type Result } from '../../base/index.ts';
import { ATTEMPT_COMMANDS } from './attempt-commands.ts';
import { BYTE_COMMANDS } from './byte-commands.ts';
import { alone, type Command, type CommandKind, checkForm } from './command.ts';
import { HTTP_COMMANDS } from './http-commands.ts';
import { METADATA_COMMANDS } from './metadata-commands.ts';
import { STREAM_COMMANDS } from './stream-commands.ts';
import { TIME_COMMANDS } from './time-commands.ts';
import { TLS_COMMANDS } from './tls-commands.ts';

/** QUIC is not spoken. */
const EMPTY = 'ROUNDTRIP_DURATION DOWNSTREAM_HANDSHAKE_DURATION'.split(' ');

/** Known to Envoy 1.40, and not here. */
const UNSUPPORTED = new Set(
  'CEL COALESCE DOWNSTREAM_CX_RTT DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_LOCAL_CLOSE_REASON ROUTE_RESOLUTION_TIME_US UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_LOCAL_CLOSE_REASON XFCC_VALUE'.split(
    ' ',
  ),
);

const COMMANDS: Readonly<Record<string, CommandKind>> = {
  ...Object.fromEntries(EMPTY.map((name) => [name, alone(() => undefined)])),
  ...ATTEMPT_COMMANDS,
  ...BYTE_COMMANDS,
  ...HTTP_COMMANDS,
  ...STREAM_COMMANDS,
  ...TIME_COMMANDS,
  ...METADATA_COMMANDS,
  ...TLS_COMMANDS,
};

/** Compiles `NAME(argument):length`, or says in Envoy's words what is wrong with it. `more`: commands of this format alone. */
export function compileCommand(
  name: string,
  argument: string | undefined,
  length: number | undefined,
  more: Readonly<Record<string, CommandKind>> = {},
): Result<Command, string> {
  const kind = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : Object.hasOwn(more, name) ? more[name] : undefined;
  if (kind) {
    const fault = checkForm(name, kind, argument ?? '', length);
    return fault === undefined ? kind.make(argument ?? '') : fail(fault);
  }
  if (UNSUPPORTED.has(name)) {
    const allowed = Object.keys(COMMANDS).sort().join(', ');
    return fail(`%${name}% is known to Envoy but not supported by ciliate-proxy; allowed: ${allowed}`);
  }
  return fail(`Not supported field in StreamInfo: ${name}`);
}
