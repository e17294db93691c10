import { makeAuthority } from '../../base/index.ts';
import { egress, port } from '../test-support/policies.ts';
import { type Case, namespace, testExplanations } from './test-support.ts';

const { certificate, privateKey } = await makeAuthority('a.example');
const secrets = [{ metadata: { name: 's', namespace }, stringData: { 'tls.crt': certificate, 'tls.key': privateKey } }];
const policies = [
  egress({
    toEntities: ['world'],
    toPorts: [
      {
        ...port('443')[0],
        serverNames: ['*.a.example', 'b.example'],
        terminatingTLS: { secret: { name: 's' } },
        rules: { http: [{ path: '/a' }] },
      },
    ],
  }),
];
const ask = (serverName: string, path?: string): NonNullable<Case['ask']> => ({
  port: 443,
  serverName,
  ...(path !== undefined && { http: { method: 'GET', path, headers: {} } }),
});
const through = [
  '1.1.0.1',
  'egress L3/L4 allowed: through the proxy (cilium-http-egress/tls:cilium-test/s)',
  '  by p spec.egress[0].toPorts[0]',
];
const refused = [
  'egress L7 denied: nothing allows the server name c.example: the TLS handshake is refused',
  '  near p spec.egress[0].toPorts[0].rules.http[0]: it allows *.a.example, b.example as server name',
  'DENIED',
];

const shared = { policies, world: { secrets }, to: { kind: 'address', address: '1.1.0.1' } } as const;
testExplanations([
  {
    ...shared,
    name: 'a request inside of TLS with a name of the rule',
    ask: ask('X.a.example', '/a'),
    expect: [
      ...through,
      'egress L7 allowed: a rule allows GET /a',
      '  by p spec.egress[0].toPorts[0].rules.http[0]',
      'ALLOWED',
    ],
  },
  {
    ...shared,
    name: 'one that the rule does not allow',
    ask: ask('b.example', '/b'),
    expect: [
      ...through,
      'egress L7 denied: nothing allows GET /b: the answer is 403',
      '  near p spec.egress[0].toPorts[0].rules.http[0]: its path has to be /a',
      'DENIED',
    ],
  },
  {
    ...shared,
    name: 'a name of a deeper level passes the handshake, and no rule',
    ask: ask('x.y.a.example', '/a'),
    expect: [
      ...through,
      'egress L7 denied: nothing allows GET /a: the answer is 403',
      '  near p spec.egress[0].toPorts[0].rules.http[0]: it allows *.a.example, b.example as server name',
      'DENIED',
    ],
  },
  { ...shared, name: 'another name', ask: ask('c.example', '/a'), expect: [...through, ...refused] },
  { ...shared, name: 'another name without a request', ask: ask('c.example'), expect: [...through, ...refused] },
]);
