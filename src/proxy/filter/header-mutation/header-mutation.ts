import type { Fields } from '../../config/fields.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import { applyMutation, type HeaderMutation, readHeaderOption } from '../../route/mutation.ts';
import type { FilterHooks, FilterKind } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

interface Mutations {
  readonly request: readonly HeaderMutation[];
  readonly response: readonly HeaderMutation[];
}

function readMutations(fields: Fields): Mutations {
  return (
    fields.message('mutations', (inner) => ({
      request: inner.list('request_mutations', readOne),
      response: inner.list('response_mutations', readOne),
    })) ?? { request: [], response: [] }
  );
}

function readOne(fields: Fields): HeaderMutation {
  switch (fields.oneOf('action', ['remove', 'append'])) {
    case 'remove':
      return { add: [], remove: [fields.text('remove').toLowerCase()] };
    case 'append': {
      const option = fields.message('append', readHeaderOption);
      return { add: option ? [option] : [], remove: [] };
    }
    default:
      return { add: [], remove: [] };
  }
}

function apply(mutations: readonly HeaderMutation[], headers: HeaderMap, info: StreamInfo): void {
  for (const mutation of mutations) applyMutation(mutation, headers, info);
}

function hooksOf({ request, response }: Mutations): FilterHooks {
  return {
    request: {
      head: (stream, head) => {
        apply(request, head.headers, stream);
        return 'continue';
      },
    },
    response: {
      head: (stream, head) => {
        apply(response, head.headers, stream);
        return 'continue';
      },
    },
  };
}

/** `envoy.filters.http.header_mutation`. */
export const headerMutationFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields) => {
    const shared = hooksOf(readMutations(fields));
    return { type: TYPE, bind: () => ({ shared }) };
  },
};
