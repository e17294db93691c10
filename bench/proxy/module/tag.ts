import { defineFilter } from 'ciliate/filter';

/** What most filters begin with: one header read, one set. */
export default defineFilter({
  onRequestHeaders({ request }) {
    request.headers.set('x-module', request.headers.get('x-request-id') ?? 'none');
  },
});
