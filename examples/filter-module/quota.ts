import { defineFilter } from 'ciliate/filter';
import { Minutes } from './minutes.ts';

const minutes = new Minutes();

/**
 * Each tenant may send so many requests a minute. Tenants are told by a header; answers say how many are left.
 *
 *   config: { header: x-tenant, limit: 60, unlimited: [ops] }
 */
export default defineFilter({
  config(raw) {
    const { header = 'x-tenant', limit, unlimited = [] } = raw;
    if (typeof header !== 'string' || header === '') throw new Error('header: a name is needed');
    if (typeof limit !== 'number' || limit < 1) throw new Error('limit: a number from 1 on is needed');
    if (!Array.isArray(unlimited)) throw new Error('unlimited: a list of tenants is needed');
    return { header, limit, unlimited: new Set(unlimited.map(String)) };
  },

  onRequestHeaders(context) {
    const { request, config, metadata, state } = context;
    const tenant = request.headers.get(config.header);
    if (tenant === undefined) {
      context.reply({ status: 401, body: `header ${config.header} is missing\n` });
      return;
    }
    metadata.set('tenant', tenant);
    if (config.unlimited.has(tenant)) return;
    const left = config.limit - minutes.count(tenant, Date.now());
    state['left'] = Math.max(0, left);
    if (left < 0) context.reply({ status: 429, body: 'too many requests\n', headers: { 'retry-after': '60' } });
  },

  onResponseHeaders({ response, state }) {
    if (typeof state['left'] === 'number') response?.headers.set('x-requests-left', String(state['left']));
  },
});
