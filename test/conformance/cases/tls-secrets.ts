import {
  authority,
  otherAuthority,
  second,
  server,
  type TestCertificate,
} from '../../../src/proxy/testing/certificates.ts';
import { cluster, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import { ads, type Script, scripted } from '../discovery.ts';
import { certificateOf, inlined } from '../tls-config.ts';
import type { Json, Places, PlaneStep, Scenario } from '../types.ts';

const context = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const upstream = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';

const secret = (name: string, more: Json = {}): Json => ({ name, sds_config: ads(), ...more });
const socket = (common: Json, more: Json = {}): Json => ({
  name: 'tls',
  typed_config: typed(context, { common_tls_context: common, ...more }),
});

const secured = (places: Places, transport: Json, index = 0): Json => {
  const hcm = manager(places, { route_config: routeConfig([toCluster()]) });
  return listener(places, index, [], { filter_chains: [{ filters: [hcm], transport_socket: transport }] });
};

const start = (transport: Json): readonly PlaneStep[] => [
  { send: 'cluster', version: 'c0' },
  { send: 'listener', version: 'l1', resources: (places) => [secured(places, transport)] },
];
const live: PlaneStep = { becomes: 'LIVE', at: '/ready' };
const send = (version: string, ...secrets: readonly Json[]): PlaneStep => ({
  send: 'secret',
  version,
  resources: () => secrets,
});
const certificate = (name: string, one: TestCertificate): Json => ({ name, tls_certificate: certificateOf(one) });
const validation = (name: string, ca: string, more: Json = {}): Json => ({
  name,
  validation_context: { trusted_ca: inlined(ca), ...more },
});
const hands: PlaneStep = { handshake: 0, tls: { serverName: 'a.test' } };
const asClient: PlaneStep = { handshake: 0, tls: { serverName: 'a.test', as: 'client' } };
const asStranger: PlaneStep = { handshake: 0, tls: { serverName: 'a.test', as: 'stranger' } };
const counts: PlaneStep = {
  stats: /^listener\..*\.ssl\.(handshake|fail_verify_error)$|^http\.in\.downstream_cx_ssl_total/,
};
/** What waits for secrets, and how often they came. */
const ready: PlaneStep = { stats: /_ssl_socket_factory\..*_not_ready/ };
const own = (places: Places): { readonly clusters: readonly Json[] } => ({ clusters: [cluster(places, 0)] });
const discovered = socket({ tls_certificate_sds_secret_configs: [secret('s')] });
const byClient = { require_client_certificate: true };

const warming: PlaneStep = {
  stats: /^cluster_manager\.(warming_clusters|active_clusters|cluster_(added|modified|removed))$/,
};
const encrypting = (places: Places, wait?: string): Json =>
  cluster(places, 0, [0], {
    transport_socket: {
      name: 'tls',
      typed_config: typed(upstream, {
        common_tls_context: { validation_context_sds_secret_config: secret('v', { sds_config: ads(wait) }) },
      }),
    },
  });
/** Sends what an encrypted host does not understand. */
const plain = (places: Places): Json => cluster(places, 0, [0]);
const toTls: readonly PlaneStep[] = [
  {
    send: 'listener',
    version: 'l0',
    resources: (places) => [listener(places, 0, [manager(places, { route_config: routeConfig([toCluster()]) })])],
  },
];

const scripts: readonly Script[] = [
  {
    name: 'a certificate is waited for, and renewed',
    steps: [
      ...start(discovered),
      { becomes: 'INITIALIZING', at: '/ready' },
      { wanted: 'secret' },
      send('1', certificate('s', server)),
      live,
      hands,
      send('2', certificate('s', second)),
      hands,
      counts,
    ],
  },
  {
    name: 'a certificate that does not come in time',
    steps: [
      ...start(socket({ tls_certificate_sds_secret_configs: [secret('s', { sds_config: ads('0.3s') })] })),
      live,
      hands,
      ready,
      send('1', certificate('s', server)),
      hands,
      ready,
    ],
  },
  {
    name: 'a broken certificate leaves the last one in force',
    steps: [
      ...start(discovered),
      send('1', certificate('s', server)),
      live,
      send('2', {
        name: 's',
        tls_certificate: { certificate_chain: inlined('nothing'), private_key: inlined(server.key) },
      }),
      hands,
    ],
  },
  {
    name: 'a secret of another kind',
    steps: [
      ...start(discovered),
      send('1', certificate('s', server)),
      live,
      send('2', validation('s', authority)),
      hands,
    ],
  },
  {
    name: 'an authority is discovered, and replaced',
    steps: [
      ...start(
        socket(
          { tls_certificates: [certificateOf(server)], validation_context_sds_secret_config: secret('v') },
          byClient,
        ),
      ),
      { wanted: 'secret' },
      send('1', validation('v', authority)),
      live,
      asClient,
      asStranger,
      send('2', validation('v', otherAuthority)),
      asClient,
      asStranger,
      counts,
    ],
  },
  {
    name: 'a validation of two parts',
    steps: [
      ...start(
        socket(
          {
            tls_certificates: [certificateOf(server)],
            combined_validation_context: {
              default_validation_context: {
                match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: 'spiffe://mesh.test/' } }],
              },
              validation_context_sds_secret_config: secret('v'),
            },
          },
          byClient,
        ),
      ),
      send('1', validation('v', authority)),
      live,
      asClient,
      { handshake: 0, tls: { serverName: 'a.test', as: 'server' } },
      hands,
    ],
  },
  {
    name: 'keys of tickets are discovered',
    steps: [
      ...start(
        socket({ tls_certificates: [certificateOf(server)] }, { session_ticket_keys_sds_secret_config: secret('k') }),
      ),
      send('1', { name: 'k', session_ticket_keys: { keys: [inlined('k'.repeat(80))] } }),
      live,
      hands,
    ],
  },
  {
    name: 'a listener that came later waits for its secret alone',
    steps: [
      ...start(discovered),
      send('1', certificate('s', server)),
      live,
      {
        send: 'listener',
        version: 'l2',
        resources: (places) => [
          secured(places, discovered),
          secured(places, socket({ tls_certificate_sds_secret_configs: [secret('t')] }), 1),
        ],
      },
      { wanted: 'secret' },
      hands,
      send('2', certificate('s', server), certificate('t', second)),
      { sleep: 100 },
      hands,
      { handshake: 1, tls: { serverName: 'a.test' } },
    ],
  },
  {
    name: 'static secrets',
    forms: ['sotw'],
    own: (places) => ({
      clusters: [cluster(places, 0)],
      listeners: [secured(places, socket({ tls_certificate_sds_secret_configs: [{ name: 'static' }] }))],
      secrets: [certificate('static', second)],
    }),
    steps: [{ send: 'cluster', version: 'c0' }, { send: 'listener', version: 'l0' }, live, hands],
  },
  {
    name: 'a cluster verifies by a discovered authority',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      {
        send: 'cluster',
        version: 'c0',
        resources: (places) => [
          cluster(places, 0, [0], {
            transport_socket: {
              name: 'tls',
              typed_config: typed(upstream, {
                common_tls_context: { validation_context_sds_secret_config: secret('v') },
              }),
            },
          }),
        ],
      },
      { wanted: 'secret' },
      send('1', validation('v', authority)),
      {
        send: 'listener',
        version: 'l0',
        resources: (places) => [listener(places, 0, [manager(places, { route_config: routeConfig([toCluster()]) })])],
      },
      live,
      { get: '/' },
      send('2', validation('v', otherAuthority)),
      { get: '/' },
      ready,
    ],
  },
  {
    name: 'a cluster waits for its secret',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      { send: 'cluster', version: 'c0', resources: (places) => [plain(places)] },
      ...toTls,
      live,
      { get: '/' },
      { send: 'cluster', version: 'c1', later: true, resources: (places) => [encrypting(places)] },
      { wanted: 'secret' },
      { get: '/' },
      warming,
      send('1', validation('v', authority)),
      { sleep: 100 },
      warming,
      { get: '/' },
    ],
  },
  {
    name: 'a new cluster waits for its secret',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      { send: 'cluster', version: 'c0' },
      ...toTls,
      live,
      { get: '/' },
      { send: 'cluster', version: 'c1', later: true, resources: (places) => [encrypting(places)] },
      { wanted: 'secret' },
      { get: '/' },
      warming,
      send('1', validation('v', authority)),
      { sleep: 100 },
      { get: '/' },
      warming,
    ],
  },
  {
    name: 'a cluster whose secret does not come in time',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      { send: 'cluster', version: 'c0', resources: (places) => [encrypting(places, '0.3s')] },
      ...toTls,
      live,
      { get: '/' },
      ready,
      warming,
      send('1', validation('v', authority)),
      { sleep: 100 },
      { get: '/' },
      ready,
    ],
  },
  {
    name: 'a cluster whose secret is refused',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      { send: 'cluster', version: 'c0', resources: (places) => [encrypting(places)] },
      { wanted: 'secret' },
      { becomes: 'INITIALIZING', at: '/ready' },
      send('1', { name: 'v', validation_context: { trusted_ca: inlined('nothing') } }),
      ...toTls,
      live,
      { get: '/' },
      ready,
    ],
  },
  {
    name: 'a cluster that goes while it waits',
    more: { backends: {} },
    own: () => ({}),
    steps: [
      { send: 'cluster', version: 'c0', resources: (places) => [plain(places)] },
      ...toTls,
      live,
      { send: 'cluster', version: 'c1', later: true, resources: (places) => [encrypting(places)] },
      { wanted: 'secret' },
      warming,
      { send: 'cluster', version: 'c2', resources: (places) => [plain(places)] },
      warming,
      { get: '/' },
      { send: 'cluster', version: 'c3', later: true, resources: (places) => [encrypting(places)] },
      { sleep: 100 },
      { send: 'cluster', version: 'c4', removed: ['c0'], resources: () => [] },
      warming,
      { get: '/' },
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts
  .flatMap((script) => scripted('secrets', { own, ...script }))
  .map((scenario) => (/^a (new )?cluster /.test(scenario.name) ? { ...scenario, backends: ['https'] } : scenario));
