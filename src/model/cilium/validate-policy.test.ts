import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue } from '../../base/index.ts';
import { validateCiliumObject, validatePolicy } from './index.ts';

const web = { matchLabels: { app: 'web' } };

function policy(spec: object, kind = 'CiliumNetworkPolicy'): object {
  const metadata =
    kind === 'CiliumClusterwideNetworkPolicy' ? { name: 'p' } : { name: 'p', namespace: 'shop', uid: 'u1' };
  return { apiVersion: 'cilium.io/v2', kind, metadata, spec: { endpointSelector: web, ...spec } };
}

const item = (fields: object): object => policy({ egress: [fields] });
const ports = (fields: object): object => item({ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], ...fields }] });
const at = 'spec.egress[0]';
const onPort = `${at}.toPorts[0]`;

/** Object, path of the fault, Cilium's text. */
const refused: readonly (readonly [object: object, path: string, message: string | RegExp])[] = [
  [policy({}), 'spec', 'rule must have at least one of Ingress, IngressDeny, Egress, EgressDeny'],
  [policy({ endpointSelector: null, egress: [{}] }), 'spec', 'rule must have one of EndpointSelector or NodeSelector'],
  [
    policy({ nodeSelector: {}, egress: [{}] }, 'CiliumClusterwideNetworkPolicy'),
    'spec',
    'rule cannot have both EndpointSelector and NodeSelector',
  ],
  [
    policy({ endpointSelector: null, nodeSelector: {}, egress: [{}] }),
    'spec.nodeSelector',
    'Invalid CiliumNetworkPolicy spec: rule cannot have NodeSelector',
  ],
  [{ ...policy({}), spec: undefined }, 'spec', 'Invalid CiliumNetworkPolicy spec(s): empty policy'],
  [{ ...policy({ egress: [{}] }), metadata: {} }, 'metadata.name', 'CiliumNetworkPolicy must have name'],
  [
    item({ toEndpoints: [{ matchExpressions: [{ key: 'a', operator: 'asdf' }] }] }),
    `${at}.toEndpoints[0].matchExpressions[0].operator`,
    'invalid label selector: matchExpressions[0].operator: Invalid value: "asdf": not a valid selector operator',
  ],
  [
    item({ toEndpoints: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] }),
    `${at}.toEndpoints[0].matchExpressions[0].values`,
    /Required value/,
  ],
  [
    item({ toEndpoints: [{}], toFQDNs: [{ matchName: 'a' }] }),
    at,
    'combining ToEndpoints and ToFQDNs is not supported yet',
  ],
  [item({ toEntities: ['foo'] }), `${at}.toEntities[0]`, 'unsupported entity: foo'],
  [
    ports({ rules: { http: [{}], dns: [{ matchName: 'a' }] } }),
    `${onPort}.rules`,
    'multiple L7 protocol rule types specified in single rule',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '0', protocol: 'TCP' }], rules: { http: [{}] } }] }),
    `${onPort}.ports[0].port`,
    'L7 rules can not be used when a port is 0',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '80' }], rules: { http: [{}] } }] }),
    `${onPort}.ports[0].protocol`,
    'L7 rules can only apply to TCP (not ANY) except for DNS rules',
  ],
  [
    policy({ ingress: [{ toPorts: [{ ports: [{ port: '53' }], rules: { dns: [{ matchPattern: '*' }] } }] }] }),
    'spec.ingress[0].toPorts[0].rules.dns',
    'L7 protocol DNS is not supported on ingress yet',
  ],
  [
    item({ toPorts: [{ rules: { dns: [{ matchPattern: '*' }] } }] }),
    `${onPort}.ports`,
    'port 53 must be specified for DNS rules',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '53', endPort: 60 }], rules: { dns: [{ matchPattern: '*' }] } }] }),
    `${onPort}.ports[0].endPort`,
    'DNS rules do not support port ranges',
  ],
  [
    ports({ serverNames: ['a.b'], rules: { http: [{}] } }),
    `${onPort}.serverNames`,
    'ServerNames are not allowed with L7 rules without TLS termination',
  ],
  [ports({ serverNames: [''] }), `${onPort}.serverNames[0]`, 'empty server name is not allowed'],
  [ports({ serverNames: ['c**'] }), `${onPort}.serverNames[0]`, /invalid server name/],
  [
    policy({
      ingress: [{ toPorts: [{ ports: [{ port: '80' }], listener: { name: 'l', envoyConfig: { name: 'c' } } }] }],
    }),
    'spec.ingress[0].toPorts[0].listener',
    'Listener is not allowed on ingress (l)',
  ],
  [
    ports({ rules: { http: [{}] }, listener: { name: 'l', envoyConfig: { name: 'c' } } }),
    `${onPort}.listener`,
    'Listener is not allowed with L7 rules (l)',
  ],
  [
    item({ toPorts: [{ ports: Array.from({ length: 41 }, () => ({ port: '80' })) }] }),
    `${onPort}.ports`,
    'too many ports, the max is 40',
  ],
  [
    item({ icmps: [{ fields: Array.from({ length: 41 }, () => ({ type: 8 })) }] }),
    `${at}.icmps[0].fields`,
    'too many types, the max is 40',
  ],
  [item({ toPorts: [{ ports: [{}] }] }), `${onPort}.ports[0].port`, 'port must be specified'],
  [
    item({ toPorts: [{ ports: [{ port: '70000' }] }] }),
    `${onPort}.ports[0].port`,
    'unable to parse port: strconv.ParseUint: parsing "70000": value out of range',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '8-' }] }] }),
    `${onPort}.ports[0].port`,
    'unable to parse port: strconv.ParseUint: parsing "8-": invalid syntax',
  ],
  [item({ toPorts: [{ ports: [{ port: 80 }] }] }), `${onPort}.ports[0].port`, /must be of type string/],
  [
    item({ toPorts: [{ ports: [{ port: '80' }] }], icmps: [{ fields: [{ type: 8 }] }] }),
    `${at}.icmps`,
    'the ICMPs block may only be present without ToPorts. Define a separate rule to use ToPorts',
  ],
  [
    item({ icmps: [{ fields: [{ type: 8, family: 'IPv5' }] }] }),
    `${at}.icmps[0].fields[0].family`,
    'wrong family: IPv5',
  ],
  [
    item({ icmps: [{ fields: [{ type: 'PacketTooBig' }] }] }),
    `${at}.icmps[0].fields[0].type`,
    'ICMP type PacketTooBig not found in IPv4',
  ],
  [
    policy(
      {
        endpointSelector: null,
        nodeSelector: {},
        ingress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{}] } }] }],
      },
      'CiliumClusterwideNetworkPolicy',
    ),
    'spec.ingress[0].toPorts[0].rules',
    'L7 policy is not supported on host ingress yet',
  ],
  [
    policy({ ingress: [{ fromNodes: [{}] }] }),
    'spec.ingress[0].fromNodes',
    /"enable-node-selector-labels" flag is set/,
  ],
  [item({ toCIDR: [''] }), `${at}.toCIDR[0]`, 'IP must be specified'],
  [item({ toCIDR: ['10.0.0.1'] }), `${at}.toCIDR[0]`, `unable to parse CIDR: netip.ParsePrefix("10.0.0.1"): no '/'`],
  [
    item({ toCIDRSet: [{ cidr: '10.0.0.0/40' }] }),
    `${at}.toCIDRSet[0].cidr`,
    'unable to parse CIDRRule "10.0.0.0/40": netip.ParsePrefix("10.0.0.0/40"): prefix length out of range',
  ],
  [item({ toCIDRSet: [{}] }), `${at}.toCIDRSet[0]`, 'one of cidr, cidrGroupRef, or cidrGroupSelector is required'],
  [
    item({ toCIDRSet: [{ cidr: '10.0.0.0/8', cidrGroupRef: 'g' }] }),
    `${at}.toCIDRSet[0]`,
    'more than one of cidr, cidrGroupRef, or cidrGroupSelector may not be set',
  ],
  [
    item({ toCIDRSet: [{ cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] }] }),
    `${at}.toCIDRSet[0].except[0]`,
    'allow CIDR prefix 10.0.0.0/8 does not contain exclude CIDR prefix 11.0.0.0/16',
  ],
  [
    item({ toFQDNs: [{ matchName: 'a', matchPattern: 'b' }] }),
    `${at}.toFQDNs[0]`,
    'only one of MatchName or MatchPattern is allowed in an FQDNSelector',
  ],
  [
    item({ toFQDNs: [{ matchName: 'a b' }] }),
    `${at}.toFQDNs[0].matchName`,
    'Invalid characters in MatchName: "a b". Only 0-9, a-z, A-Z and ., -, _ characters are allowed',
  ],
  [ports({ rules: { http: [{ headers: [''] }] } }), `${onPort}.rules.http[0].headers[0]`, 'Header name missing'],
  [
    ports({ rules: { http: [{ headerMatches: [{ name: 'a', mismatch: 'X' }] }] } }),
    `${onPort}.rules.http[0].headerMatches[0].mismatch`,
    'Invalid header action: X',
  ],
  [
    ports({ rules: { http: [{ headerMatches: [{ name: 'a', secret: {} }] }] } }),
    `${onPort}.rules.http[0].headerMatches[0].secret.name`,
    'Secret name missing',
  ],
  [
    item({ toEndpoints: [{ matchLabels: { a: 'b c' } }] }),
    `${at}.toEndpoints[0].matchLabels[a]`,
    /^invalid label selector: matchLabels: Invalid value: "b c"/,
  ],
  [
    policy({ ingress: [{ fromCIDR: ['10.0.0.0/8'], fromEntities: ['host'] }] }),
    'spec.ingress[0]',
    'combining FromCIDR and FromEntities is not supported yet',
  ],
  [
    policy({ egressDeny: [{ toCIDRSet: [{ cidr: '10.0.0.0/8' }], toServices: [{}] }] }),
    'spec.egressDeny[0]',
    'combining ToCIDRSet and ToServices is not supported yet',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '80', protocol: 'UDP' }], rules: { http: [{}] } }] }),
    `${onPort}.ports[0].protocol`,
    'L7 rules can only apply to TCP (not UDP) except for DNS rules',
  ],
  [
    item({ toPorts: [{ ports: [{ port: '5', protocol: 'GRE' }] }] }),
    `${onPort}.ports[0].port`,
    'port must be empty or 0',
  ],
  [
    policy(
      {
        endpointSelector: null,
        nodeSelector: {},
        egress: [{ toPorts: [{ ports: [{ port: '80', protocol: 'TCP' }], rules: { http: [{}] } }] }],
      },
      'CiliumClusterwideNetworkPolicy',
    ),
    `${onPort}.rules.http`,
    'L7 protocol HTTP is not supported on host egress yet',
  ],
  [
    item({ toNodes: [{}] }),
    `${at}.toNodes`,
    'FromNodes/ToNodes rules can only be applied when the "enable-node-selector-labels" flag is set',
  ],
  [
    item({ toCIDR: ['10.0.0/8'] }),
    `${at}.toCIDR[0]`,
    /^unable to parse CIDR: netip\.ParsePrefix\("10\.0\.0\/8"\): ParseAddr\("10\.0\.0"\): /,
  ],
  [
    item({ toFQDNs: [{ matchPattern: '*.a/b' }] }),
    `${at}.toFQDNs[0].matchPattern`,
    'Invalid characters in MatchPattern: "*.a/b". Only 0-9, a-z, A-Z and ., -, _ and * characters are allowed',
  ],
  [
    item({ toFQDNs: [{ matchPattern: 'a'.repeat(256) }] }),
    `${at}.toFQDNs[0].matchPattern`,
    `Invalid MatchPattern: ${JSON.stringify('a'.repeat(256))}. Must be <= 255 characters long.`,
  ],
  [
    ports({ rules: { http: [{ headerMatches: [{ name: '' }] }] } }),
    `${onPort}.rules.http[0].headerMatches[0].name`,
    'Header name missing',
  ],
  [
    { ...policy({ egress: [{}] }, 'CiliumClusterwideNetworkPolicy'), metadata: {} },
    'metadata.name',
    'CiliumClusterwideNetworkPolicy must have name',
  ],
  [
    { ...policy({}, 'CiliumClusterwideNetworkPolicy'), spec: undefined },
    'spec',
    'Invalid CiliumClusterwideNetworkPolicy spec(s): empty policy',
  ],
];

for (const [object, path, message] of refused) {
  test(`refuses: ${String(message)}`, () => {
    const issues = validatePolicy(object);
    const found = issues.find((issue) =>
      typeof message === 'string' ? issue.message === message : message.test(issue.message),
    );
    assert.ok(found, issues.map(formatIssue).join('\n') || 'nothing was refused');
    assert.equal(found.path, path);
  });
}

test('groups of prefixes are checked too', () => {
  const group = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumCIDRGroup',
    metadata: { name: 'g' },
    spec: { externalCIDRs: ['10.0.0.0/8', 'x'] },
  };
  assert.deepEqual(
    validateCiliumObject(group).map(({ path }) => path),
    ['spec.externalCIDRs[1]'],
  );
});
