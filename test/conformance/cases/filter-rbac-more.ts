import { bootstrap, cluster, fileLog, listener, router, simple, typed } from '../config.ts';
import type { Case, Json, Scenario } from '../types.ts';

const feature = 'RBAC filter';
const any: Json = { any: true };
const all: readonly Json[] = [any];
const format =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %DYNAMIC_METADATA(envoy.filters.http.rbac)% %DYNAMIC_METADATA(envoy.common)%\n';

const rbac = (config: Json, name = 'rbac'): Json => ({
  name,
  typed_config: typed('envoy.extensions.filters.http.rbac.v3.RBAC', config),
});
const policies = (permissions: readonly Json[], principals: readonly Json[] = all): Json => ({
  policies: { p: { permissions, principals } },
});
const certified = (config: Json): Json => ({
  custom: { name: 'any', typed_config: typed('envoy.extensions.rbac.principals.mtls_authenticated.v3.Config', config) },
});
const san: Json = { san_matcher: { san_type: 'URI', matcher: { exact: 'spiffe://a' } } };
const state = (matcher: Json): Json => ({ filter_state: { key: 'k', ...matcher } });
const ten: Json = { address_match: { ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } };

const principals: readonly (readonly [string, Json])[] = [
  ['a validated certificate', certified({ any_validated_client_certificate: true })],
  ['a certificate for a name', certified(san)],
  ['no certificate', { not_id: certified({ any_validated_client_certificate: true }) }],
  ['an address in the filter state', state(ten)],
  ['any address in the filter state', state({ address_match: { invert_match: true } })],
  ['no address in the filter state', { not_id: state(ten) }],
  ['no text in the filter state', { not_id: state({ string_match: { exact: '' } }) }],
];

const header = (name: string): Json => ({ header: { name, present_match: true } });

/** A filter whose policies count on their own, under a prefix. */
const counting: Json = rbac({
  rules_stat_prefix: 'mine',
  shadow_rules_stat_prefix: 'other.',
  track_per_rule_stats: true,
  rules: {
    action: 'DENY',
    policies: {
      'a b': { permissions: [header('x-a')], principals: all },
      'c.d': { permissions: [header('x-c')], principals: all },
    },
  },
  shadow_rules: { policies: { s: { permissions: [header('x-s')], principals: all } } },
});

const countingCases: readonly Case[] = [[], ['x-a'], ['x-c'], ['x-s'], ['x-a', 'x-s']].map((names) => ({
  name: names.join(' and ') || 'none',
  requests: [{ headers: names.map((name) => [name, '1'] as const) }],
}));

const faults: readonly (readonly [string, Json])[] = [
  ['a certificate that may be any or none', { rules: policies(all, [certified({})]) }],
  [
    'a custom principal of another type',
    {
      rules: policies(all, [
        { custom: { name: 'x', typed_config: typed('envoy.config.rbac.v3.Action', { name: 'a' }) } },
      ]),
    },
  ],
  ['filter state without a matcher', { rules: policies(all, [state({})]) }],
  [
    'a broken range',
    { rules: policies(all, [state({ address_match: { ranges: [{ address_prefix: 'x', prefix_len: 8 }] } })]) },
  ],
  ['any that is false', { rules: policies(all, [{ any: false }]) }],
  ['no principals in all', { rules: policies(all, [{ and_ids: {} }]) }],
  ['no rules in any', { rules: policies([{ or_rules: {} }]) }],
  ['an empty permission', { rules: policies([{}]) }],
  ['a port beyond the last', { rules: policies([{ destination_port: 70_000 }]) }],
  ['an action that is none', { rules: { action: 5, ...policies(all) } }],
  ['metadata of nothing', { rules: policies([{ sourced_metadata: {} }]) }],
];

const networkFaults: readonly (readonly [string, Json])[] = [
  ['a header deep in shadow rules', { shadow_rules: policies([{ and_rules: { rules: [any, header('x')] } }]) }],
];

const network = (config: Json): Json => ({
  name: 'rbac',
  typed_config: typed('envoy.extensions.filters.network.rbac.v3.RBAC', { stat_prefix: 'f', ...config }),
});

export const scenarios: readonly Scenario[] = [
  {
    feature,
    name: 'what connections without TLS and filters without state do not have',
    bootstrap: (places) =>
      simple(places, {
        routes: principals.map(([, principal], index) => ({
          match: { prefix: `/r${index}` },
          direct_response: { status: 200 },
          typed_per_filter_config: {
            rbac: typed('envoy.extensions.filters.http.rbac.v3.RBACPerRoute', {
              rbac: { rules: policies(all, [principal]) },
            }),
          },
        })),
        manager: { access_log: [fileLog(places, format)], http_filters: [rbac({}), router()] },
      }),
    cases: principals.map(([name], index): Case => ({ name, requests: [{ path: `/r${index}` }] })),
  },
  {
    feature,
    name: 'statistics of policies',
    stats: [/rbac/],
    bootstrap: (places) =>
      simple(places, { manager: { access_log: [fileLog(places, format)], http_filters: [counting, router()] } }),
    cases: countingCases,
  },
  ...faults.map(
    ([name, config]): Scenario => ({
      feature,
      name: `refused: ${name}`,
      validateOnly: true,
      bootstrap: (places) => simple(places, { manager: { http_filters: [rbac(config), router()] } }),
      cases: [],
    }),
  ),
  ...networkFaults.map(
    ([name, config]): Scenario => ({
      feature,
      name: `refused of connections: ${name}`,
      validateOnly: true,
      bootstrap: (places) => bootstrap(places, [listener(places, 0, [network(config)])], [cluster(places, 0)]),
      cases: [],
    }),
  ),
];
