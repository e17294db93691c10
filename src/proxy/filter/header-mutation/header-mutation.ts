import type { Fields } from '../../config/fields.ts';
import { applyMutations, type HeaderMutation, type MessageSide, readHeaderOption } from '../../route/mutation.ts';
import type { FilterHooks, FilterKind } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.header_mutation.v3.HeaderMutation';

interface Mutations {
  readonly request: readonly HeaderMutation[];
  readonly response: readonly HeaderMutation[];
}

function readMutations(fields: Fields): Mutations {
  return (
    fields.message('mutations', (inner) => ({
      request: inner.list('request_mutations', (one) => readMutationAction(one, 'request')),
      response: inner.list('response_mutations', (one) => readMutationAction(one, 'response')),
    })) ?? { request: [], response: [] }
  );
}

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

function hooksOf({ request, response }: Mutations): FilterHooks {
  return {
    request: {
      head: (stream, head) => {
        applyMutations(request, head.headers, stream);
        return 'continue';
      },
    },
    response: {
      head: (stream, head) => {
        applyMutations(response, head.headers, stream);
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
