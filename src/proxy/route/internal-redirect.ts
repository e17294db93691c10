import { type Fields, typeName } from '../config/fields.ts';
import { isToken } from '../http/bytes.ts';

/** `envoy.config.route.v3.InternalRedirectPolicy`: follow a redirect here instead of telling the client. */
export interface InternalRedirectPolicy {
  readonly max: number;
  readonly codes: readonly number[];
  readonly crossScheme: boolean;
  readonly predicates: readonly RedirectPredicate[];
  /** Headers of the redirect that the request takes over. */
  readonly copy: readonly string[];
}

/** Which routes a redirect may lead to, by their names. */
export type RedirectPredicate =
  | { readonly kind: 'previous_routes' }
  | { readonly kind: 'allow_listed_routes'; readonly names: ReadonlySet<string> }
  | { readonly kind: 'safe_cross_scheme' };

const PREFIX = 'envoy.extensions.internal_redirect.';
const PREVIOUS = `${PREFIX}previous_routes.v3.PreviousRoutesConfig`;
const ALLOW_LISTED = `${PREFIX}allow_listed_routes.v3.AllowListedRoutesConfig`;
const SAFE_SCHEME = `${PREFIX}safe_cross_scheme.v3.SafeCrossSchemeConfig`;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Reads the policy, or the two deprecated fields that stood for one. */
export function readInternalRedirect(fields: Fields): InternalRedirectPolicy | undefined {
  const policy = fields.message('internal_redirect_policy', readPolicy);
  const old = fields.choice('internal_redirect_action', ['PASS_THROUGH_INTERNAL_REDIRECT', 'HANDLE_INTERNAL_REDIRECT']);
  const max = fields.number('max_internal_redirects') ?? 1;
  if (policy || old === 'PASS_THROUGH_INTERNAL_REDIRECT') return policy;
  return { max, codes: [302], crossScheme: false, predicates: [], copy: [] };
}

function readPolicy(fields: Fields): InternalRedirectPolicy {
  const codes = fields.numbers('redirect_response_codes').filter((code) => REDIRECTS.has(code));
  const copy = fields.strings('response_headers_to_copy').map((name, index) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(':') || lower === 'host') {
      fields.problem(`response_headers_to_copy[${index}]`, ':-prefixed headers or Hosts may not be specified here.');
    } else if (!isToken(lower)) fields.problem(`response_headers_to_copy[${index}]`, 'is not a header name');
    return lower;
  });
  return {
    max: fields.number('max_internal_redirects') ?? 1,
    codes: fields.has('redirect_response_codes') ? codes : [302],
    crossScheme: fields.flag('allow_cross_scheme_redirect'),
    predicates: fields.list('predicates', readPredicate).filter((one) => one !== undefined),
    copy,
  };
}

function readPredicate(fields: Fields): RedirectPredicate | undefined {
  fields.ignore('name');
  return fields.message('typed_config', (config): RedirectPredicate | undefined => {
    switch (typeName(config.json)) {
      case PREVIOUS:
        return { kind: 'previous_routes' };
      case ALLOW_LISTED:
        return { kind: 'allow_listed_routes', names: new Set(config.strings('allowed_route_names')) };
      case SAFE_SCHEME:
        return { kind: 'safe_cross_scheme' };
      default:
        config.ignore(...Object.keys(config.json));
        config.problem(
          '@type',
          `${JSON.stringify(typeName(config.json))} is not supported by ciliate-proxy`,
          [ALLOW_LISTED, PREVIOUS, SAFE_SCHEME].join(', '),
        );
        return undefined;
    }
  });
}
