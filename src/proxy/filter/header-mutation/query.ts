import type { Fields } from '../../config/fields.ts';
import { compileFormat } from '../../format/substitution.ts';
import { isHeaderValue } from '../../http/bytes.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { type Params, parseQuery, withQuery } from '../../match/query-params.ts';

/** Changes the query parameters of a request; values by name. */
export type QueryMutation = (params: Params, info: StreamInfo) => void;

/** Reads an `envoy.config.core.v3.KeyValueMutation` of query parameters. */
export function readQueryMutation(fields: Fields): QueryMutation {
  const append = fields.message('append', readAppend);
  if (append) return append;
  const name = latin1(fields.text('remove'));
  if (name === '') fields.problem('', 'No mutation specified.');
  return (params) => void params.delete(name);
}

function readAppend(fields: Fields): QueryMutation {
  const action = fields.choice('action', [
    'APPEND_IF_EXISTS_OR_ADD',
    'ADD_IF_ABSENT',
    'OVERWRITE_IF_EXISTS_OR_ADD',
    'OVERWRITE_IF_EXISTS',
  ]);
  const record = fields.message('record', readRecord);
  if (!record) fields.problem('', 'No record specified for query parameter mutation.');
  const { name, value } = record ?? { name: '', value: () => '' };
  return (params, info) => {
    const present = params.get(name);
    switch (action) {
      case 'APPEND_IF_EXISTS_OR_ADD':
        if (present) present.push(value(info));
        else params.set(name, [value(info)]);
        return;
      case 'ADD_IF_ABSENT':
        if (!present) params.set(name, [value(info)]);
        return;
      case 'OVERWRITE_IF_EXISTS_OR_ADD':
        params.set(name, [value(info)]);
        return;
      case 'OVERWRITE_IF_EXISTS':
        if (present) params.set(name, [value(info)]);
    }
  };
}

function readRecord(fields: Fields): { readonly name: string; readonly value: (info: StreamInfo) => string } {
  const name = fields.required('key');
  const value = fields.raw('value');
  if (typeof value !== 'string') {
    fields.problem('value', 'Only string value is allowed for record value.');
    return { name, value: () => '' };
  }
  const compiled = compileFormat(latin1(value), '');
  if (!compiled.ok) fields.problem('value', compiled.error);
  const text = compiled.ok ? compiled.value : (): string => '';
  return { name: latin1(name), value: (info) => percentEncode(text(info)) };
}

/** Text outside latin1 travels as its UTF-8 bytes. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The path after the mutations: Envoy writes all parameters anew, sorted by name and decoded. */
export function mutateQuery(path: string, mutations: readonly QueryMutation[], info: StreamInfo): string {
  const params = parseQuery(path);
  for (const mutation of mutations) mutation(params, info);
  const changed = withQuery(path, params);
  if (!isHeaderValue(changed) && info.invalidHeader === '') info.invalidHeader = ':path';
  return changed;
}

function percentEncode(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-_.*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
