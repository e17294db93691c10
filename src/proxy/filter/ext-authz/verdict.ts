import type { JsonObject } from '../../config/fields.ts';

/** A header and its value, latin1 text; the name in lower case. */
export type Field = readonly [name: string, value: string];

/** What an allowing server wants changed, in the order in which it is done. */
export interface Mutations {
  /** Each takes the place of all of its name. */
  readonly set: readonly Field[];
  /** Each is one more. */
  readonly add: readonly Field[];
  /** Each goes on in the first of its name, if there is one. */
  readonly append: readonly Field[];
  readonly remove: readonly string[];
  readonly setQuery: readonly Field[];
  readonly removeQuery: readonly string[];
  /** The same for the response. */
  readonly response: ResponseMutations;
}

export interface ResponseMutations {
  readonly add: readonly Field[];
  readonly set: readonly Field[];
  readonly addIfAbsent: readonly Field[];
  readonly overwriteIfExists: readonly Field[];
}

/** What an authorization server says of a request. */
export type Verdict =
  | { readonly kind: 'ok'; readonly mutations: Mutations; readonly metadata: JsonObject }
  /** Its answer is the client's: `body` is latin1 text. */
  | {
      readonly kind: 'denied';
      readonly status: number;
      readonly fields: readonly Field[];
      readonly body: string;
      readonly metadata: JsonObject;
    }
  /** It could not judge, or said nothing. `status` undefined: as the filter is configured. */
  | {
      readonly kind: 'error';
      readonly status: number | undefined;
      readonly fields: readonly Field[];
      readonly body: string;
      readonly metadata: JsonObject;
    }
  /** What it said cannot be done. */
  | { readonly kind: 'invalid'; readonly metadata: JsonObject };

export const NO_MUTATIONS: Mutations = {
  set: [],
  add: [],
  append: [],
  remove: [],
  setQuery: [],
  removeQuery: [],
  response: { add: [], set: [], addIfAbsent: [], overwriteIfExists: [] },
};

export const FAILED: Verdict = { kind: 'error', status: undefined, fields: [], body: '', metadata: {} };
