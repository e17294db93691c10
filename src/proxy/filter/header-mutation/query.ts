import type { Fields } from '../../config/fields.ts';
import { compileFormat } from '../../format/substitution.ts';
import { isHeaderValue } from '../../http/bytes.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { percentDecode } from '../../match/query.ts';

type Params = Map<string, string[]>;

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
  const at = path.indexOf('?');
  const params = at < 0 ? new Map<string, string[]>() : parseQuery(path.slice(at + 1));
  for (const mutation of mutations) mutation(params, info);
  const names = [...params.keys()].sort();
  const pairs = names.flatMap((name) => (params.get(name) ?? []).map((value) => `${name}=${value}`));
  const base = at < 0 ? path : path.slice(0, at);
  const changed = pairs.length === 0 ? base : `${base}?${pairs.join('&')}`;
  if (!isHeaderValue(changed) && info.invalidHeader === '') info.invalidHeader = ':path';
  return changed;
}

function parseQuery(query: string): Params {
  const params: Params = new Map();
  for (let start = 0; start < query.length; ) {
    const next = query.indexOf('&', start);
    const end = next < 0 ? query.length : next;
    const pair = query.slice(start, end);
    const equals = pair.indexOf('=');
    const name = percentDecode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : percentDecode(pair.slice(equals + 1));
    const values = params.get(name);
    if (values) values.push(value);
    else params.set(name, [value]);
    start = end + 1;
  }
  return params;
}

function percentEncode(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-_.*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
