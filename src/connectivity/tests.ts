import type { Action, ConnectivityTest, Expectation, TestPod } from './model.ts';
import { clientToClient, podToPod, podToService, podToWorld } from './scenarios.ts';

const ok: Expectation = { result: 'ok', dns: 'plain' };
const okWithHttp: Expectation = { result: 'ok', http: true, dns: 'proxy' };
const dropped: Expectation = { result: 'dropped', dns: 'proxy' };
const denied: Expectation = { result: 'denied', dns: 'proxy' };

const plainHttp = { scheme: 'http', path: '/' } as const;
const everyScheme = [plainHttp, { scheme: 'https', path: '/' }, { scheme: 'https', path: '/index.html' }] as const;

const isOtherClient = ({ labels }: TestPod): boolean => labels['other'] === 'client';
const port = (action: Action): number => (action.kind === 'curl' ? action.port : 0);
const toEcho = (action: Action): boolean => port(action) === 8080;
const toWorldHttp = (action: Action): boolean => port(action) === 80;

/** Every test in the order in which they run; those with DNS redirection come last. */
export const connectivityTests: readonly ConnectivityTest[] = [
  {
    name: 'no-policies',
    policies: [],
    scenarios: [podToPod('pod-to-pod', ['/']), clientToClient, podToService, podToWorld([plainHttp])],
    expect: () => ok,
  },
  {
    name: 'client-ingress',
    policies: ['connectivity/client-ingress-from-client2.yaml'],
    scenarios: [clientToClient],
    expect: ({ source }) => (isOtherClient(source) ? ok : { result: 'dropped' }),
  },
  {
    name: 'client-egress',
    policies: ['connectivity/client-egress-to-echo.yaml'],
    scenarios: [podToPod('pod-to-pod', ['/'])],
    expect: () => ok,
  },
  {
    name: 'echo-ingress-l7',
    policies: ['connectivity/echo-ingress-l7-http.yaml'],
    scenarios: [podToPod('pod-to-pod-with-endpoints', ['/', '/public'])],
    expect: (action) => {
      if (!isOtherClient(action.source)) return { result: 'dropped' };
      return action.kind === 'curl' && action.path === '/' ? { result: 'ok', http: true } : { result: 'denied' };
    },
  },
  {
    name: 'client-egress-l7',
    policies: ['client-egress-only-dns.yaml', 'client-egress-l7-http.yaml'],
    scenarios: [podToPod('pod-to-pod', ['/']), podToWorld(everyScheme)],
    expect: (action) => {
      if (!isOtherClient(action.source) || !(toEcho(action) || toWorldHttp(action))) return dropped;
      return action.kind === 'curl' && action.path === '/' ? okWithHttp : denied;
    },
  },
  {
    name: 'dns-only',
    policies: ['client-egress-only-dns.yaml'],
    scenarios: [podToPod('pod-to-pod', ['/']), podToWorld(everyScheme)],
    expect: () => dropped,
  },
  {
    name: 'to-fqdns',
    policies: ['connectivity/client-egress-to-fqdns.yaml'],
    scenarios: [podToWorld(everyScheme)],
    expect: (action) => (toWorldHttp(action) ? okWithHttp : dropped),
  },
];
