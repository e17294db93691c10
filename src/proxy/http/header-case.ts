import { type Fields, isObject, typeName } from '../config/fields.ts';

/** How a header name is written on the wire. */
export type WriteName = (name: string) => string;

/** `envoy.config.core.v3.Http1ProtocolOptions.HeaderKeyFormat` of one side. */
export interface HeaderCase {
  /** For messages that this side writes and whose names nothing else decides. */
  readonly write: WriteName | undefined;
  /** What this side reads is written as it came, by whichever side writes it. */
  readonly preserve: PreservedCase | undefined;
}

export interface PreservedCase {
  /** For names that the message did not have. */
  readonly added: WriteName | undefined;
  /** The reason phrase of a response is passed on. */
  readonly reason: boolean;
}

export const LOWER_CASE: HeaderCase = { write: undefined, preserve: undefined };

const PRESERVE = 'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig';

export function readHeaderCase(fields: Fields): HeaderCase {
  const kind = fields.oneOf('header_format', ['proper_case_words', 'stateful_formatter']);
  if (kind === 'proper_case_words') {
    fields.message(kind, () => undefined);
    return { write: properCase, preserve: undefined };
  }
  const preserve = fields.message('stateful_formatter', (extension) => {
    extension.ignore('name');
    const config = extension.raw('typed_config');
    if (!isObject(config) || typeName(config) !== PRESERVE) {
      extension.problem('typed_config', 'is not supported', PRESERVE);
      return undefined;
    }
    return extension.message('typed_config', readPreserve);
  });
  return { write: undefined, preserve };
}

function readPreserve(fields: Fields): PreservedCase {
  const added = fields.choice('formatter_type_on_envoy_headers', ['DEFAULT', 'PROPER_CASE']);
  return { added: added === 'PROPER_CASE' ? properCase : undefined, reason: fields.flag('forward_reason_phrase') };
}

const PROPER_LIMIT = 1024;
const proper = new Map<string, string>();

/** A capital at the start of each word; anything but letters and digits ends a word. */
function properCase(name: string): string {
  const known = proper.get(name);
  if (known !== undefined) return known;
  const written = name.replace(
    /(^|[^a-z0-9])([a-z])/g,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );
  if (proper.size < PROPER_LIMIT) proper.set(name, written);
  return written;
}
