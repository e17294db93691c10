import { bootstrap, cluster, listener, manager, routeConfig, socketAddress, typed } from '../config.ts';
import {
  act,
  connectionInput,
  custom,
  domainTree,
  exactMap,
  headerInput,
  ipTree,
  list,
  none,
  prefixMap,
  single,
  sslInput,
  valueTest,
} from '../matcher-trees.ts';
import type { Case, Json, Places, Scenario } from '../types.ts';

const feature = 'filter chain matcher';
const chainStats = [/^listener\.127\..*(no_filter_chain_match|downstream_cx_total)$/];

/** A chain whose connection manager answers with its own name. */
const chain = (places: Places, name: string, more: Json = {}): Json => ({
  name,
  filters: [
    manager(places, {
      route_config: routeConfig([
        { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: name } } },
      ]),
    }),
  ],
  ...more,
});
const to = (name: string): Json => act(typed('google.protobuf.StringValue', { value: name }));

interface Row {
  readonly name: string;
  readonly matcher: Json | ((places: Places) => Json);
  readonly fallback?: true;
  readonly listener?: Json;
  readonly cases: readonly Case[];
}

const here: Case = { name: 'first port', requests: [{}] };
const otherPort: Case = { name: 'second port', requests: [{}], listener: 1 };
const otherAddress: Case = { name: 'second address', requests: [{}], toOther: true };
const from = (address: string): Case => ({ name: `from ${address}`, requests: [{}], from: address });
/** Where there is no chain the client's bytes race with the close, so it may see a reset. */
const refused = (one: Case): Case => ({ ...one, without: ['fate'] });

const port = connectionInput('DestinationPortInput');
const source = connectionInput('SourceIPInput');

const inspector: Json = {
  listener_filters: [
    {
      name: 'envoy.filters.listener.http_inspector',
      typed_config: typed('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector'),
    },
  ],
};

const rows: readonly Row[] = [
  { name: 'all to one', matcher: { on_no_match: to('b') }, cases: [here, otherPort] },
  { name: 'an empty tree', matcher: {}, cases: [refused(here)] },
  { name: 'an empty tree with a default chain', matcher: {}, fallback: true, cases: [here] },
  {
    name: 'by port',
    matcher: exactMap(port, { '10001': to('b') }, to('a')),
    cases: [here, otherPort],
  },
  {
    name: 'by port with a default chain',
    matcher: exactMap(port, { '10001': to('b') }),
    fallback: true,
    cases: [here, otherPort],
  },
  {
    name: 'a chain that is not there',
    matcher: exactMap(port, { '10001': to('nowhere') }, to('a')),
    fallback: true,
    cases: [here, refused(otherPort)],
  },
  {
    name: 'by destination address',
    matcher: ({ other }) => exactMap(connectionInput('DestinationIPInput'), { [other]: to('b') }, to('a')),
    cases: [here, otherAddress],
  },
  {
    name: 'by source address',
    matcher: ipTree(source, [
      { ranges: [['127.0.0.0', 8]], leads: to('a') },
      { ranges: [['127.0.0.9', 32]], leads: to('b') },
    ]),
    cases: [from('127.0.0.9'), from('127.0.0.8')],
  },
  {
    name: 'by direct source address',
    matcher: prefixMap(connectionInput('DirectSourceIPInput'), { '127.0.0.9': to('b'), '127.': to('a') }),
    cases: [from('127.0.0.9'), from('127.0.0.8')],
  },
  {
    name: 'by source type',
    matcher: exactMap(connectionInput('SourceTypeInput'), { local: to('a') }, to('b')),
    cases: [from('127.0.0.1'), from('127.0.0.9')],
  },
  {
    name: 'by transport protocol',
    matcher: exactMap(connectionInput('TransportProtocolInput'), { raw_buffer: to('a'), tls: to('b') }, to('c')),
    cases: [here],
  },
  {
    name: 'by application protocol without an inspector',
    matcher: list(
      [[none(single(connectionInput('ApplicationProtocolInput'), { contains: 'http' })), to('a')]],
      to('b'),
    ),
    cases: [here],
  },
  {
    name: 'by application protocol',
    matcher: exactMap(
      connectionInput('ApplicationProtocolInput'),
      { "'http/1.1'": to('a'), "'http/1.0'": to('b') },
      to('c'),
    ),
    listener: inspector,
    cases: [here, { name: 'HTTP/1.0', requests: [{ version: 'HTTP/1.0' }] }],
  },
  {
    name: 'by server name',
    matcher: domainTree(connectionInput('ServerNameInput'), [[['*'], to('b')]], to('a')),
    cases: [here],
  },
  {
    name: 'by certificate',
    matcher: exactMap(sslInput('SubjectInput'), { '': to('b') }, to('a')),
    fallback: true,
    cases: [here],
  },
  {
    name: 'consistent hashing',
    matcher: list(
      [[custom(source, valueTest('consistent_hashing.v3.ConsistentHashing', { threshold: 5, modulo: 10 })), to('a')]],
      to('b'),
    ),
    cases: [3, 4, 5, 6].map((last) => from(`127.0.0.${last}`)),
  },
];

const scenario = ({ name, matcher, fallback, listener: more, cases }: Row): Scenario => ({
  feature,
  name,
  stats: chainStats,
  bootstrap: (places) =>
    bootstrap(
      places,
      [
        {
          ...listener(places, 0, []),
          additional_addresses: [
            { address: socketAddress(places.host, places.listener(1)) },
            { address: socketAddress(places.other, places.listener(0)) },
          ],
          filter_chains: [
            chain(places, 'a', { filter_chain_match: { destination_port: 1 } }),
            chain(places, 'b'),
            chain(places, 'c'),
          ],
          filter_chain_matcher: typeof matcher === 'function' ? matcher(places) : matcher,
          ...(fallback ? { default_filter_chain: chain(places, 'fallback') } : {}),
          ...more,
        },
      ],
      [cluster(places, 0)],
    ),
  cases,
});

const faults: readonly (readonly [string, Json, readonly string[]])[] = [
  ['no name', { on_no_match: to('a') }, ['']],
  ['a name twice', { on_no_match: to('a') }, ['a', 'a']],
  ['a header', exactMap(headerInput('x'), { a: to('a') }), ['a']],
  ['an action of another type', { on_no_match: act(typed('envoy.config.rbac.v3.Action', { name: 'a' })) }, ['a']],
  ['no chain but a tree', { on_no_match: to('a') }, []],
];

export const scenarios: readonly Scenario[] = [
  ...rows.map(scenario),
  ...faults.map(
    ([name, matcher, chains]): Scenario => ({
      feature,
      name: `checked: ${name}`,
      validateOnly: true,
      bootstrap: (places) =>
        bootstrap(
          places,
          [
            {
              ...listener(places, 0, []),
              filter_chains: chains.map((one) => chain(places, one)),
              filter_chain_matcher: matcher,
            },
          ],
          [cluster(places, 0)],
        ),
      cases: [],
    }),
  ),
];
