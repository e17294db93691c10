import { authority, otherAuthority, second, server } from '../../../src/proxy/testing/certificates.ts';
import { cluster, listener, manager, routeConfig, toCluster, typed } from '../config.ts';
import { ads, type Script, scripted } from '../discovery.ts';
import { certificateOf } from '../tls-config.ts';
import type { ClientTls, Json, Places, PlaneStep, Scenario } from '../types.ts';

/** Secrets that name files, which are moved into their places while the proxy runs. */

const named = ({ folder }: Places, file: string): Json => ({ filename: `${folder}/${file}` });
const watching = ({ folder }: Places, directory: string): Json => ({
  watched_directory: { path: `${folder}/${directory}` },
});
const pair = (places: Places, more: Json = {}): Json => ({
  tls_certificate: {
    certificate_chain: named(places, 'own/tls.crt'),
    private_key: named(places, 'own/tls.key'),
    ...more,
  },
});
const files = ({ certificate, key }: typeof server): Record<string, string> => ({
  'own/tls.crt': certificate,
  'own/tls.key': key,
});

const socket = (common: Json, more: Json = {}): Json => ({
  name: 'tls',
  typed_config: typed('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    common_tls_context: common,
    ...more,
  }),
});
const secret = { name: 's', sds_config: ads() };
const start = (transport: Json): readonly PlaneStep[] => [
  { send: 'cluster', version: 'c0' },
  {
    send: 'listener',
    version: 'l1',
    resources: (places) => {
      const hcm = manager(places, { route_config: routeConfig([toCluster()]) });
      return [listener(places, 0, [], { filter_chains: [{ filters: [hcm], transport_socket: transport }] })];
    },
  },
];
const ofCertificate = start(socket({ tls_certificate_sds_secret_configs: [secret] }));
const send = (of: (places: Places) => Json, version = '1'): PlaneStep => ({
  send: 'secret',
  version,
  resources: (places) => [{ name: 's', ...of(places) }],
});
const live: PlaneStep = { becomes: 'LIVE', at: '/ready' };
const hands = (as?: ClientTls['as']): PlaneStep => ({
  handshake: 0,
  tls: { serverName: 'a.test', ...(as ? { as } : {}) },
});
const failures: PlaneStep = { stats: /^sds\.s\.key_rotation_failed$/ };

const scripts: readonly Script[] = [
  {
    name: 'a certificate of files is renewed',
    steps: [
      { put: files(server) },
      ...ofCertificate,
      send((places) => pair(places)),
      live,
      hands(),
      { put: files(second) },
      hands(),
    ],
  },
  {
    name: 'files that say nothing leave the certificate of before',
    steps: [
      { put: files(server) },
      ...ofCertificate,
      send((places) => pair(places)),
      live,
      { put: { 'own/tls.crt': 'nothing' } },
      hands(),
      failures,
      { put: files(second) },
      hands(),
    ],
  },
  {
    name: 'another folder is watched',
    steps: [
      { put: { ...files(server), 'watched/first': '' } },
      ...ofCertificate,
      send((places) => pair(places, watching(places, 'watched'))),
      live,
      { put: files(second) },
      hands(),
      { put: { 'watched/second': '' } },
      hands(),
    ],
  },
  {
    name: 'an authority of a file is replaced',
    steps: [
      { put: { 'ca/ca.crt': authority } },
      ...start(
        socket(
          { tls_certificates: [certificateOf(server)], validation_context_sds_secret_config: secret },
          { require_client_certificate: true },
        ),
      ),
      send((places) => ({ validation_context: { trusted_ca: named(places, 'ca/ca.crt') } })),
      live,
      hands('client'),
      hands('stranger'),
      { put: { 'ca/ca.crt': otherAuthority } },
      hands('client'),
      hands('stranger'),
    ],
  },
  {
    name: 'a new version has other files',
    steps: [
      { put: files(server) },
      ...ofCertificate,
      send((places) => pair(places)),
      live,
      send(() => ({ tls_certificate: certificateOf(second) }), '2'),
      { put: files(server) },
      hands(),
    ],
  },
  {
    name: 'a file that is not there',
    steps: [
      { put: files(server) },
      ...ofCertificate,
      send((places) => pair(places, { private_key: named(places, 'own/nothing.key') })),
      send((places) => pair(places), '2'),
      live,
      hands(),
      send((places) => pair(places, { private_key: named(places, 'own/nothing.key') }), '3'),
      hands(),
    ],
  },
];

export const scenarios: readonly Scenario[] = scripts.flatMap((script) =>
  scripted('secrets', {
    own: (places) => ({ clusters: [cluster(places, 0)] }),
    forms: ['delta'],
    ...script,
  }),
);
