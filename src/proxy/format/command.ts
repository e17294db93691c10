import { fail, ok, type Result } from '../../base/index.ts';
import type { JsonValue } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** The value of a command for one stream; undefined prints as `-`. */
export type Command = (info: StreamInfo) => JsonValue | undefined;

/** What may stand behind a command's name: `(argument)` and `:length`. */
export interface CommandKind {
  readonly argument: 'none' | 'optional' | 'required';
  readonly length: boolean;
  /** `argument` is empty when there is none. Fails in Envoy's words. */
  readonly make: (argument: string) => Result<Command, string>;
}

/** A command that stands alone. */
export const alone = (command: Command): CommandKind => ({
  argument: 'none',
  length: false,
  make: () => ok(command),
});

/** Envoy's check of a command's form, in its words. */
export function checkForm(
  name: string,
  kind: CommandKind,
  argument: string,
  length: number | undefined,
): string | undefined {
  if (kind.argument === 'none' && (argument !== '' || length !== undefined)) {
    return `${name} does not take any parameters or length`;
  }
  if (kind.argument === 'required' && argument === '') return `${name} requires parameters`;
  if (!kind.length && length !== undefined) return `${name} does not allow length to be specified.`;
  return undefined;
}

/** `X?Y`: the first header, or the second when the first is absent. */
export function headerNames(argument: string): Result<readonly [string, string], string> {
  const names = argument.toLowerCase().split('?');
  if (names.length > 2) return fail(`More than 1 alternative header specified in token: ${argument}`);
  if (!names.every((name) => /^:?[!#$%&'*+\-.^_`|~0-9a-z]*$/.test(name))) {
    return fail('Invalid header configuration. Format string contains invalid characters.');
  }
  return ok([names[0] ?? '', names[1] ?? '']);
}
