import { decodeBinary } from '../../../model/envoy/index.ts';
import { isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import { statusNumber } from '../../config/http-status.ts';
import { headerText } from '../request-fields.ts';
import { FAILED, type Field, type Mutations, NO_MUTATIONS, type ResponseMutations, type Verdict } from './verdict.ts';

const CHECK_RESPONSE = 'envoy.service.auth.v3.CheckResponse';
const FORBIDDEN = 403;

/** What the bytes of an `envoy.service.auth.v3.CheckResponse` say; what is none is a failure. `validates`: unknown ways to add a header are no answer. */
export function verdictOf(bytes: Buffer, validates: boolean): Verdict {
  let response: JsonObject;
  try {
    response = decodeBinary(CHECK_RESPONSE, bytes);
  } catch {
    return FAILED;
  }
  const code = objectOf(response['status'])['code'] ?? 0;
  const ok = objectOf(response['ok_response']);
  const metadata = objectOf(ok['dynamic_metadata'] ?? response['dynamic_metadata']);
  if (code === 0) {
    const unknown = [...options(ok['response_headers_to_add'])].some(({ action }) => action === undefined);
    if (unknown && validates) return { kind: 'invalid', metadata };
    return { kind: 'ok', mutations: mutationsOf(ok), metadata };
  }
  const answer = objectOf(response['error_response'] ?? response['denied_response']);
  const said = {
    fields: options(answer['headers']).flatMap(({ field, append }) => (append ? [] : [field])),
    body: Buffer.from(textOf(answer['body']), 'utf8').toString('latin1'),
    metadata,
  };
  const status = statusNumber(objectOf(answer['status'])['code']);
  if (response['error_response'] !== undefined) return { kind: 'error', status: status || undefined, ...said };
  return { kind: 'denied', status: status || FORBIDDEN, ...said };
}

function mutationsOf(ok: JsonObject): Mutations {
  const headers = options(ok['headers']);
  return {
    ...NO_MUTATIONS,
    // Of a request's headers only the old flag counts, as in Envoy.
    set: headers.flatMap(({ field, append }) => (append ? [] : [field])),
    append: headers.flatMap(({ field, append }) => (append ? [field] : [])),
    remove: textsOf(ok['headers_to_remove']),
    setQuery: listOf(ok['query_parameters_to_set']).map((one) => pairOf(objectOf(one))),
    removeQuery: textsOf(ok['query_parameters_to_remove']).map(headerText),
    response: responseOf(options(ok['response_headers_to_add'])),
  };
}

type Action = 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';

/** An `envoy.config.core.v3.HeaderValueOption`; `action` undefined: none that is known. */
interface Option {
  readonly field: Field;
  /** The old flag is set and true. */
  readonly append: boolean;
  readonly action: Action | undefined;
}

const ACTIONS: readonly string[] = [
  'APPEND_IF_EXISTS_OR_ADD',
  'ADD_IF_ABSENT',
  'OVERWRITE_IF_EXISTS_OR_ADD',
  'OVERWRITE_IF_EXISTS',
];

function options(value: JsonValue | undefined): readonly Option[] {
  return listOf(value).map((one) => {
    const option = objectOf(one);
    const append = option['append'];
    const written = option['append_action'] ?? ACTIONS[0];
    const known = typeof written === 'string' && ACTIONS.includes(written) ? (written as Action) : undefined;
    const action =
      typeof append !== 'boolean' ? known : append ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD';
    const [name, text] = pairOf(objectOf(option['header']));
    return { field: [name.toLowerCase(), text], append: append === true, action };
  });
}

function responseOf(all: readonly Option[]): ResponseMutations {
  const of = (wanted: Action): readonly Field[] =>
    all.flatMap(({ field, action }) => (action === wanted ? [field] : []));
  return {
    add: of('APPEND_IF_EXISTS_OR_ADD'),
    set: of('OVERWRITE_IF_EXISTS_OR_ADD'),
    addIfAbsent: of('ADD_IF_ABSENT'),
    overwriteIfExists: of('OVERWRITE_IF_EXISTS'),
  };
}

function pairOf(message: JsonObject): Field {
  return [headerText(textOf(message['key'])), headerText(textOf(message['value']))];
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return listOf(value).map(textOf);
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
