import type { Action, ConnectivityTest, Expectation, Workloads } from './model.ts';
import { withPortRange } from './port-ranges.ts';
import {
  podToPod,
  podToPodWithEndpoints,
  podToWorld,
  podToWorld2,
  podToWorldWithExtraTlsIntercept,
  podToWorldWithTlsIntercept,
  secretHeader,
} from './scenarios.ts';

const okWithHttp: Expectation = { result: 'ok', http: true, dns: 'proxy' };
const dropped: Expectation = { result: 'dropped', dns: 'proxy' };
const denied: Expectation = { result: 'denied', dns: 'proxy' };
const defaultDenyEgress: Expectation = { ...dropped, drop: { direction: 'egress', reason: 'default' } };
const defaultDenyIngress: Expectation = { ...dropped, drop: { direction: 'ingress', reason: 'default' } };

const onlyDns = 'client-egress-only-dns.yaml';

const port = (action: Action): number => (action.kind === 'curl' ? action.port : 0);
const fromClient2 = ({ source }: Action): boolean => source.labels['other'] === 'client';
const toWorldHttp = (action: Action): boolean => port(action) === 80;

/** `client2` may ask the echo servers on three paths, one of them with a header only. */
function echoIngress(action: Action): Expectation {
  if (!fromClient2(action)) return defaultDenyIngress;
  const secret = action.kind === 'curl' && action.headers.includes(secretHeader);
  return action.kind === 'curl' && action.path === '/private' && !secret ? denied : okWithHttp;
}

/** `client2` may GET `/` from the echo servers and from the external target. */
function clientEgress(action: Action): Expectation {
  if (!fromClient2(action) || !(port(action) === 8080 || toWorldHttp(action))) return defaultDenyEgress;
  return action.kind === 'curl' && action.path === '/' ? okWithHttp : denied;
}

/** `client2` may POST to the echo servers, and does so to echo-same-node alone. */
function clientMethod(action: Action): Expectation {
  if (!fromClient2(action)) return defaultDenyEgress;
  return action.kind === 'curl' && action.method === 'POST' ? okWithHttp : denied;
}

/** The listener carries port 80 of the external target and closes what goes to its other ports. */
function toListener(action: Action, { external: { target } }: Workloads): Expectation {
  if (action.kind !== 'curl' || action.resolves !== target) return dropped;
  return toWorldHttp(action) ? { result: 'ok', dns: 'proxy' } : { result: 'tls-error', dns: 'proxy' };
}

/** TLS to the names of a policy, of which the proxy sees the client hello only. */
const serverNameTests: readonly ConnectivityTest[] = (
  [
    ['client-egress-tls-sni', 'client-egress-tls-sni', podToWorld, 'ok'],
    ['client-egress-tls-sni-denied', 'client-egress-tls-sni-other', podToWorld, 'tls-error'],
    ...['wildcard', 'random-wildcard', 'double-wildcard'].flatMap((kind) => {
      const policy = `client-egress-tls-sni-${kind}`;
      return [
        [policy, policy, podToWorld, 'ok'],
        [`${policy}-denied`, policy, podToWorld2, 'tls-error'],
      ] as const;
    }),
  ] as const
).map(([name, policy, scenario, result]) => ({
  name,
  policies: [`connectivity/${policy}.yaml`, onlyDns],
  scenarios: [scenario],
  expect: (action) => (port(action) === 443 ? { result, dns: 'proxy' } : defaultDenyEgress),
}));

const withSecret = [podToWorldWithTlsIntercept(secretHeader)];

/** HTTP inside of TLS to the names of a policy. */
const interceptedNameTests: readonly ConnectivityTest[] = [
  {
    name: 'client-egress-l7-tls-headers-sni',
    policies: ['connectivity/client-egress-l7-tls-sni.yaml', onlyDns],
    interception: 'kept',
    scenarios: withSecret,
    expect: () => okWithHttp,
  },
  {
    name: 'client-egress-l7-tls-headers-other-sni',
    policies: ['connectivity/client-egress-l7-tls-other-sni.yaml', onlyDns],
    interception: 'kept',
    scenarios: withSecret,
    expect: () => ({ result: 'tls-error', dns: 'proxy' }),
  },
];

const tlsHeaders: ConnectivityTest = {
  name: 'client-egress-l7-tls-headers',
  policies: ['connectivity/client-egress-l7-tls.yaml', onlyDns],
  interception: 'kept',
  scenarios: withSecret,
  expect: () => okWithHttp,
};

/** HTTP inside of TLS; these come last in `cilium-cli`. */
export const interceptionTests: readonly ConnectivityTest[] = [
  {
    name: 'client-egress-l7-tls-deny-without-headers',
    policies: ['connectivity/client-egress-l7-tls.yaml', onlyDns],
    interception: 'kept',
    scenarios: [podToWorldWithTlsIntercept()],
    expect: () => denied,
  },
  tlsHeaders,
  {
    name: 'client-egress-l7-extra-tls-headers',
    policies: ['connectivity/client-egress-l7-tls.yaml', onlyDns],
    interception: 'renewed',
    scenarios: [podToWorldWithExtraTlsIntercept],
    expect: () => okWithHttp,
  },
  ...withPortRange(tlsHeaders).slice(1),
];

/** Tests with rules above Layer 4. */
export const layer7Tests: readonly ConnectivityTest[] = [
  {
    name: 'echo-ingress-l7',
    policies: ['connectivity/echo-ingress-l7-http.yaml'],
    scenarios: [podToPodWithEndpoints()],
    expect: echoIngress,
  },
  {
    name: 'echo-ingress-l7-named-port',
    policies: ['connectivity/echo-ingress-l7-http-named-port.yaml'],
    scenarios: [podToPodWithEndpoints()],
    expect: echoIngress,
  },
  ...withPortRange({
    name: 'client-egress-l7-method',
    policies: [onlyDns, 'connectivity/client-egress-l7-http-method.yaml'],
    scenarios: [
      podToPodWithEndpoints({ method: 'POST', destination: { other: 'echo' } }),
      podToPodWithEndpoints({ destination: { first: 'echo' } }),
    ],
    expect: clientMethod,
  }),
  ...withPortRange({
    name: 'client-egress-l7',
    policies: [onlyDns, 'client-egress-l7-http.yaml'],
    scenarios: [podToPod(), podToWorld],
    expect: clientEgress,
  }),
  {
    name: 'client-egress-l7-named-port',
    policies: [onlyDns, 'connectivity/client-egress-l7-http-named-port.yaml'],
    scenarios: [podToPod(), podToWorld],
    expect: clientEgress,
  },
  ...withPortRange({
    name: 'client-egress-l7-set-header',
    policies: ['connectivity/client-egress-l7-http-matchheader-secret.yaml'],
    scenarios: (['other', 'first'] as const).map((label) =>
      podToPodWithEndpoints({ method: 'POST', path: 'auth-header-required', destination: { [label]: 'echo' } }),
    ),
    expect: (action) => (fromClient2(action) ? okWithHttp : { result: 'http-error' }),
  }),
  ...serverNameTests,
  ...interceptedNameTests,
  {
    name: 'dns-only',
    policies: [onlyDns],
    scenarios: [podToPod(), podToWorld],
    expect: () => dropped,
  },
  {
    name: 'to-fqdns',
    policies: ['connectivity/client-egress-to-fqdns.yaml', onlyDns],
    scenarios: [podToWorld, podToWorld2],
    expect: (action) => (toWorldHttp(action) ? { result: 'ok', dns: 'proxy' } : dropped),
  },
  {
    name: 'to-fqdns-with-proxy',
    policies: ['connectivity/client-egress-to-fqdns-and-http-get.yaml', onlyDns],
    scenarios: [podToWorld, podToWorld2],
    expect: (action) => (toWorldHttp(action) ? okWithHttp : dropped),
  },
  {
    name: 'to-fqdns-with-ccec-listener',
    policies: ['connectivity/client-egress-to-fqdns-and-ccec-listener.yaml', onlyDns],
    scenarios: [podToWorld, podToWorld2],
    expect: toListener,
  },
  {
    name: 'policy-local-cluster-egress',
    policies: ['connectivity/client-egress-to-echo-no-cluster.yaml', 'connectivity/client-egress-only-port-53.yaml'],
    scenarios: [podToPod()],
    expect: () => ({ result: 'ok' }),
  },
];
