import { namespace } from './cluster.ts';

/** So many policies exist at once, beside the one that never changes. */
const slots = 12;

function policy(name: string, spec: object): object {
  return { apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy', metadata: { name, namespace }, spec };
}

const http = (...rules: object[]) => [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: rules } }];
const plain = [{ ports: [{ port: '8080', protocol: 'TCP' }] }];
const named = (name: string) => ({ matchLabels: { name } });
const clients = { matchLabels: { kind: 'client' } };
const echoes = { matchLabels: { kind: 'echo' } };

/** Holds all the time: both ends are isolated, and `GET /always` passes everywhere. */
const standing: readonly object[] = [
  policy('standing', {
    endpointSelector: clients,
    egress: [{ toEndpoints: [echoes], toPorts: http({ method: 'GET', path: '/always' }) }],
  }),
  policy('standing-echo', {
    endpointSelector: echoes,
    ingress: [{ fromEndpoints: [clients], toPorts: http({ method: 'GET', path: '/always' }) }],
  }),
];

/** By name: what stands, and in each slot a policy that selects nobody. */
export const initial: readonly (readonly [string, object])[] = [
  ['standing', standing[0] ?? {}],
  ['standing-echo', standing[1] ?? {}],
  ...Array.from({ length: slots }, (_, slot): readonly [string, object] => {
    const name = `p${slot}`;
    return [name, policy(name, { endpointSelector: named('nobody'), ingress: [{}] })];
  }),
];

const pick = <T>(list: readonly T[], random: () => number): T => list[Math.floor(random() * list.length)] as T;

/**
 * A random policy for a slot. From client-1 only HTTP rules are opened and closed, so `/never` never passes and `GET /always` always does;
 * client-2 meets everything: whole Layer-4 allows, denials, and rules that are gone again.
 */
export function randomPolicy(random: () => number): { readonly name: string; readonly object: object } {
  const slot = Math.floor(random() * slots);
  const name = `p${slot}`;
  return { name, object: policy(name, slot % 2 === 0 ? httpSpec(random) : anySpec(random)) };
}

function httpSpec(random: () => number): object {
  const rules = http({ path: pick(['/a', '/b', '/[ab]'], random), ...(random() < 0.5 && { method: 'GET' }) });
  const echo = pick([named('echo-1'), named('echo-2'), echoes], random);
  if (random() < 0.5) return { endpointSelector: clients, egress: [{ toEndpoints: [echo], toPorts: rules }] };
  return { endpointSelector: echo, ingress: [{ fromEndpoints: [clients], toPorts: rules }] };
}

function anySpec(random: () => number): object {
  const client = named('client-2');
  const toPorts = pick([undefined, plain, http({}), http({ path: '/a' })], random);
  const echo = pick([named('echo-1'), named('echo-2'), echoes], random);
  const out = { toEndpoints: [echo], ...(toPorts && { toPorts }) };
  const into = { fromEndpoints: [client], ...(toPorts && { toPorts }) };
  const deny = { toEndpoints: [echo], ...(random() < 0.5 && { toPorts: plain }) };
  const specs = [
    { endpointSelector: client, egress: [out] },
    { endpointSelector: echo, ingress: [into] },
    { endpointSelector: client, egressDeny: [deny] },
    { endpointSelector: echo, ingressDeny: [{ fromEndpoints: [client] }] },
    { endpointSelector: named('nobody'), ingress: [{}] },
  ];
  return pick(specs, random);
}
