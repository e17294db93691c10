import type { BoundFilter, FilterKind } from '../filter.ts';
import { type OAuthConfig, readOAuth } from './config.ts';
import { OAuthRun } from './run.ts';

const TYPE = 'envoy.extensions.filters.http.oauth2.v3.OAuth2';

/** `envoy.filters.http.oauth2`: who is not logged in goes to the authorization server (RFC 6749 4.1, with RFC 7636) and comes back with cookies. */
export const oauth2Filter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const config = fields.message('config', (inner) => readOAuth(inner, context));
    if (!config) {
      fields.problem('config', 'value is required');
      return undefined;
    }
    return { type: TYPE, bind: () => bind(config) };
  },
};

function bind(config: OAuthConfig): BoundFilter {
  return { begin: (stream, control) => new OAuthRun(config, stream, control) };
}
