import type { Fields } from '../../config/fields.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { readStringMatcher, type StringTest } from '../../match/strings.ts';
import { applyMutation, type HeaderMutation, type MessageSide, readHeaderOption } from '../../route/mutation.ts';
import type { BoundFilter, FilterHooks, FilterKind, Hooks } from '../filter.ts';
import { mutateQuery, type QueryMutation, readQueryMutation } from './query.ts';

const TYPE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

/** One action: headers added and removed by name, or removed by a test of their names. */
type Action = HeaderMutation | { readonly removes: StringTest };

interface Mutations {
  readonly request: readonly Action[];
  readonly response: readonly Action[];
  readonly query: readonly QueryMutation[];
  readonly requestTrailers: readonly Action[];
  readonly responseTrailers: readonly Action[];
}

const NOTHING: Mutations = { request: [], response: [], query: [], requestTrailers: [], responseTrailers: [] };

function readMutations(fields: Fields): Mutations {
  return (
    fields.message('mutations', (inner) => ({
      request: inner.list('request_mutations', (one) => readAction(one, 'request')),
      response: inner.list('response_mutations', (one) => readAction(one, 'response')),
      query: inner.list('query_parameter_mutations', readQueryMutation),
      requestTrailers: inner.list('request_trailers_mutations', (one) => readAction(one, 'request trailers')),
      responseTrailers: inner.list('response_trailers_mutations', (one) => readAction(one, 'response trailers')),
    })) ?? NOTHING
  );
}

function readAction(fields: Fields, side: MessageSide): Action {
  if (!fields.has('remove_on_match')) return readMutationAction(fields, side);
  const test = fields.message('remove_on_match', (inner) => inner.message('key_matcher', readStringMatcher));
  return { removes: test ?? (() => false) };
}

/** Reads an `envoy.config.common.mutation_rules.v3.HeaderMutation` that names its header. */
export function readMutationAction(fields: Fields, side: MessageSide): HeaderMutation {
  switch (fields.oneOf('action', ['remove', 'append'])) {
    case 'remove':
      return { add: [], remove: [fields.text('remove').toLowerCase()] };
    case 'append': {
      const option = fields.message('append', (one) => readHeaderOption(one, side));
      return { add: option ? [option] : [], remove: [] };
    }
    default:
      return { add: [], remove: [] };
  }
}

function apply(actions: readonly Action[], headers: HeaderMap, info: StreamInfo): void {
  for (const action of actions) {
    if ('removes' in action) headers.removeWhere(action.removes);
    else applyMutation(action, headers, info);
  }
}

function hooksOf(all: readonly Mutations[]): FilterHooks {
  return { ...requestHooks(all), ...responseHooks(all) };
}

function requestHooks(all: readonly Mutations[]): Pick<FilterHooks, 'request'> {
  const heads = all.filter((one) => one.request.length + one.query.length > 0);
  const trailers = trailersHook(all.flatMap((one) => one.requestTrailers));
  if (heads.length === 0) return trailers ? { request: { trailers } } : {};
  const head: Hooks<RequestHead>['head'] = (stream, { headers }) => {
    for (const { request: actions, query } of heads) {
      apply(actions, headers, stream);
      if (query.length > 0) stream.head.path = mutateQuery(stream.head.path, query, stream);
    }
    return 'continue';
  };
  return { request: trailers ? { head, trailers } : { head } };
}

function responseHooks(all: readonly Mutations[]): Pick<FilterHooks, 'response'> {
  const heads = all.flatMap((one) => one.response);
  const trailers = trailersHook(all.flatMap((one) => one.responseTrailers));
  if (heads.length === 0) return trailers ? { response: { trailers } } : {};
  const head: Hooks<ResponseHead>['head'] = (stream, { headers }) => {
    apply(heads, headers, stream);
    return 'continue';
  };
  return { response: trailers ? { head, trailers } : { head } };
}

function trailersHook(actions: readonly Action[]): Hooks<never>['trailers'] {
  if (actions.length === 0) return undefined;
  return (stream, trailers) => {
    apply(actions, trailers, stream);
    return undefined;
  };
}

/** `envoy.filters.http.header_mutation`: its own mutations first, then those of the levels of the route. */
export const headerMutationFilter: FilterKind = {
  type: TYPE,
  upstream: true,
  read: (fields) => {
    const own = readMutations(fields);
    const specificWins = fields.flag('most_specific_header_mutations_wins');
    return {
      type: TYPE,
      bind: (overrides): BoundFilter | undefined => {
        const levels = overrides as readonly Mutations[];
        // The last one wins.
        const shared = hooksOf([own, ...(specificWins ? levels.toReversed() : levels)]);
        return shared.request || shared.response ? { shared } : undefined;
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute',
  readRoute: (fields): Mutations => readMutations(fields),
};
