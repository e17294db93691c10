import fc from 'fast-check';
import { fqdn } from './random-peers.ts';

const { constantFrom, array, record, oneof, uniqueArray } = fc;

const portText = constantFrom('80', '8080', '53', '0', '443');
const plainPort = oneof(
  record({ port: portText, protocol: constantFrom('TCP', 'UDP', 'SCTP', 'ANY') }, { requiredKeys: ['port'] }),
  record({ port: constantFrom('web', 'dns'), protocol: constantFrom('TCP', 'UDP', 'ANY') }, { requiredKeys: ['port'] }),
  constantFrom<object>(
    { port: '80', endPort: 90, protocol: 'TCP' },
    { port: '8000', endPort: 9000, protocol: 'TCP' },
    { port: '50', endPort: 60, protocol: 'UDP' },
    { port: '84', endPort: 8080 },
    { port: '80', endPort: 20, protocol: 'TCP' },
  ),
);
export const plainEntry = array(plainPort, { minLength: 1, maxLength: 2 }).map((ports) => ({ ports }));
const httpPort = constantFrom<object>(
  { port: '80', protocol: 'TCP' },
  { port: '8080', protocol: 'TCP' },
  { port: 'web', protocol: 'TCP' },
  { port: '80', endPort: 90, protocol: 'TCP' },
  { port: '8000', endPort: 9000, protocol: 'TCP' },
);
const httpRule = constantFrom<object>(
  {},
  { path: '/a' },
  { path: '/a.*', method: 'GET' },
  { method: 'GET|POST' },
  { host: 'shop(:80)?' },
  { path: '/b', headers: ['X-Token: yes'] },
  { headers: ['x-token'] },
  { headerMatches: [{ name: 'X-Token', value: 'yes' }] },
  { path: '/a.*', headerMatches: [{ name: 'X-Mark', value: 'm', mismatch: 'ADD' }] },
  { headerMatches: [{ name: 'x-old', value: 'o', mismatch: 'DELETE' }] },
  {
    method: 'GET|POST',
    headerMatches: [
      { name: 'X-Token', mismatch: 'LOG' },
      { name: 'X-Lang', value: 'de', mismatch: 'REPLACE' },
    ],
  },
  { headerMatches: [{ name: 'X-Token' }, { name: 'X-Mark', value: 'm', mismatch: 'ADD' }] },
);
export const httpEntry = record({
  ports: array(httpPort, { minLength: 1, maxLength: 2 }),
  rules: record({ http: array(httpRule, { minLength: 1, maxLength: 2 }) }),
});
export const dnsEntry = record({
  ports: constantFrom<object[]>(
    [{ port: '53', protocol: 'UDP' }],
    [{ port: '53', protocol: 'ANY' }],
    [{ port: '53', protocol: 'TCP' }],
  ),
  rules: record({ dns: array(fqdn, { minLength: 1, maxLength: 2 }) }),
});
export const icmps = constantFrom(
  [{ fields: [{ type: 8 }] }],
  [{ fields: [{ type: 'EchoReply', family: 'IPv4' }, { type: 11 }] }],
  [{ fields: [{ type: 128, family: 'IPv6' }] }],
);

/** On no ports that HTTP rules of the same peers may name, since Cilium merges the two only where it ends TLS itself. */
const serverNamesPort = constantFrom<object>(
  { port: '443', protocol: 'TCP' },
  { port: '443' },
  { port: '0', protocol: 'TCP' },
  { port: '79', endPort: 8079, protocol: 'TCP' },
  { port: '443', protocol: 'UDP' },
);
const serverName = constantFrom(
  'a.example.org',
  'B.example.org',
  '*.example.org',
  '**.example.org',
  'a*.Example.org',
  '*',
);
export const serverNamesEntry = record({
  ports: array(serverNamesPort, { minLength: 1, maxLength: 2 }),
  serverNames: uniqueArray(serverName, { minLength: 1, maxLength: 2 }),
});

const clusterwide = 'CiliumClusterwideEnvoyConfig';
/** A kind that is left out is that of the policy's scope: `c` is there in the namespace `one` alone. No two have the same priority, and their ports are not those of other redirects of the same peers: Cilium would refuse to merge them. */
const listener = constantFrom<object>(
  { envoyConfig: { kind: clusterwide, name: 'a' }, name: 'l' },
  { envoyConfig: { kind: clusterwide, name: 'a' }, name: 'l', priority: 100 },
  { envoyConfig: { kind: clusterwide, name: 'b' }, name: 'l', priority: 99 },
  { envoyConfig: { kind: clusterwide, name: 'missing' }, name: 'l', priority: 2 },
  { envoyConfig: { name: 'c' }, name: 'l', priority: 51 },
);
const listenerPort = constantFrom<object>(
  { port: '8500', protocol: 'TCP' },
  { port: '8500' },
  { port: '440', endPort: 450, protocol: 'TCP' },
  { port: '1', endPort: 65535, protocol: 'TCP' },
);
export const listenerEntry = record(
  {
    ports: array(listenerPort, { minLength: 1, maxLength: 2 }),
    listener,
    serverNames: uniqueArray(serverName, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['ports', 'listener'] },
);

/** On a port of their own, where they meet in each way that Cilium refuses to merge. */
const contested = (entry: object) => ({ ports: [{ port: '8600', protocol: 'TCP' }], ...entry });
const listenerOf = (name: string) => ({
  listener: { envoyConfig: { kind: clusterwide, name }, name: 'l', priority: 60 },
});
export const contestedEntry = constantFrom<object>(
  contested({ rules: { http: [{ path: '/a' }] } }),
  contested({ rules: { http: [{ method: 'GET' }] } }),
  contested({ serverNames: ['a.example.org'] }),
  contested({}),
);
export const contestedEgressEntry = constantFrom<object>(
  contested({ rules: { dns: [{ matchPattern: '*' }] } }),
  contested(listenerOf('a')),
  contested(listenerOf('b')),
);
