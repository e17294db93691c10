import { defineFilter } from 'ciliate/filter';

/** A header of the request read, and one of each message set. */
export default defineFilter({
  onRequestHeaders({ request, state }) {
    state['id'] = request.headers.get('x-request-id') ?? 'none';
    request.headers.set('x-module', 'seen');
  },
  onResponseHeaders({ response, state }) {
    response?.headers.set('x-module', String(state['id']));
  },
});
