import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodePlan, plan, type World } from '../index.ts';
import { policyVerdict } from '../verdicts/packet.ts';
import { requestVerdict } from '../verdicts/request.ts';
import { client, client2, dns, echoOther, echoSame, walkthroughWorld } from './walkthrough.ts';
import { podAddress } from './world.ts';

const address: Readonly<Record<string, string>> = {
  client: podAddress(client),
  client2: podAddress(client2),
  echo: podAddress(echoSame),
  far: podAddress(echoOther),
  dns: podAddress(dns),
  host: '172.30.0.1',
  node2: '172.30.0.2',
  api: '172.30.0.254',
  world: '8.8.8.8',
  one: '1.0.0.1',
  two: '1.0.0.2',
};

export function cnp(spec: object, name = 'p'): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace: 'cilium-test' },
    spec,
  };
}

export function knp(spec: object): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'k', namespace: 'cilium-test' },
    spec,
  };
}

export const clients = { matchLabels: { kind: 'client' } };
export const echoes = { matchLabels: { kind: 'echo' } };
export const port = (number: string, protocol = 'TCP', rest: object = {}) => [
  { ports: [{ port: number, protocol, ...rest }] },
];
export const egress = (...items: object[]) => cnp({ endpointSelector: clients, egress: items });
export const ingress = (...items: object[]) => cnp({ endpointSelector: echoes, ingress: items }, 'i');
export const get = (path: string) => [
  { ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ method: 'GET', path }] } },
];

/** `egress client>echo tcp/8080` and what is expected; with `GET path` behind it, what the proxy says. */
type Expectation = readonly [packet: string, verdict: string];

export interface Case {
  readonly name: string;
  readonly policies: readonly object[];
  readonly world?: Partial<World>;
  readonly expect: readonly Expectation[];
}

/** Makes a test of each case: the plan of the walk-through's world with these policies gives these verdicts. */
export function testCases(cases: readonly Case[]): void {
  for (const { name, policies, world, expect } of cases) {
    test(name, () => {
      const made = plan(walkthroughWorld({ ...world, policies }));
      for (const [packet, expected] of expect) assert.equal(judged(made, packet), expected, packet);
    });
  }
}

function judged(made: NodePlan, text: string): string {
  const [, direction, from = '', to = '', protocol, number, method, path] =
    /^(ingress|egress) (\w+)>(\w+) (\w+)\/(\d+)(?: (\w+) (.+))?$/.exec(text) ?? [];
  const [source = '', destination = ''] = [address[from], address[to]];
  if (path !== undefined) {
    const request = {
      client: source,
      backend: destination,
      port: Number(number),
      path,
      method: method ?? 'GET',
      authority: 'echo-same-node:8080',
    };
    const { allowed, by } = requestVerdict(made, request);
    return allowed ? 'allowed' : ['denied', ...by].join(' ');
  }
  const packet = { source, destination, protocol: protocol as 'tcp', port: Number(number) };
  const verdict = policyVerdict(made, packet, direction === 'ingress' ? 'ingress' : 'egress');
  return verdict.kind === 'redirect' ? `redirect ${verdict.listener}` : verdict.kind;
}
