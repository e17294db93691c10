/** A recording of our own making: a shop in several namespaces with HTTP, DNS and denials. The same seed gives the same flows. */

export interface Side {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly identity: number;
}

const side = (namespace: string, name: string, index: number): Side => ({
  namespace,
  name,
  ip: `10.244.1.${index}`,
  identity: 10_000 + index,
});

const sides = {
  web: side('shop', 'web', 10),
  cart: side('shop', 'cart', 11),
  payments: side('shop', 'payments', 12),
  redis: side('shop', 'redis', 13),
  ledger: side('bank', 'ledger', 20),
  audit: side('bank', 'audit', 21),
  crawler: side('jobs', 'crawler', 30),
  prometheus: side('monitoring', 'prometheus', 40),
  dns: side('kube-system', 'coredns', 2),
};

/** `mulberry32`: numbers from 0 to 1 that only depend on the seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type Json = Record<string, unknown>;

function endpoint({ namespace, name, identity }: Side): Json {
  return {
    ID: identity % 100,
    identity,
    namespace,
    labels: [`k8s:app=${name}`, `k8s:io.kubernetes.pod.namespace=${namespace}`],
    pod_name: `${name}-5d8f7c9b4-x2x${identity % 10}q`,
    workloads: [{ name, kind: 'Deployment' }],
  };
}

const world: Json = { identity: 2, labels: ['reserved:world'] };
const allowed = (policy: string, namespace: string): Json[] => [
  {
    name: policy,
    namespace,
    kind: 'CiliumNetworkPolicy',
    labels: ['ciliate:rule=spec.ingress[0].toPorts[0].rules.http[0]'],
    revision: '4',
  },
];

interface Request {
  readonly from: Side;
  readonly to: Side;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly code: number;
  readonly latencyMs: number;
  readonly isDenied?: boolean;
}

/** The two flows of a request: what was asked and what was answered. */
export function httpFlows({ from, to, port, method, path, code, latencyMs, isDenied }: Request): Json[] {
  const http = { method, url: `http://${to.name}.${to.namespace}:${port}${path}`, protocol: 'HTTP/1.1' };
  const common = {
    Type: 'L7',
    node_name: 'ciliate/node-1',
    event_type: { type: 129 },
    proxy_port: 14_500,
  };
  const service = { name: to.name, namespace: to.namespace };
  const request = {
    ...common,
    verdict: isDenied ? 'DROPPED' : 'FORWARDED',
    IP: { source: from.ip, destination: to.ip, ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: port } },
    source: endpoint(from),
    destination: endpoint(to),
    destination_service: service,
    l7: { type: 'REQUEST', http },
    traffic_direction: 'INGRESS',
    is_reply: false,
    Summary: `HTTP/1.1 ${method} ${path}`,
    ...(isDenied
      ? { ingress_denied_by: allowed(`${to.name}-only-reads`, to.namespace) }
      : { ingress_allowed_by: allowed(`${to.name}-from-${from.name}`, to.namespace) }),
  };
  const response = {
    ...common,
    verdict: 'FORWARDED',
    IP: { source: to.ip, destination: from.ip, ipVersion: 'IPv4' },
    l4: { TCP: { source_port: port, destination_port: 40_000 } },
    source: endpoint(to),
    destination: endpoint(from),
    source_service: service,
    l7: { type: 'RESPONSE', latency_ns: String(Math.round(latencyMs * 1e6)), http: { ...http, code } },
    traffic_direction: 'INGRESS',
    reply: true,
    is_reply: true,
    Summary: `HTTP/1.1 ${code} ${latencyMs.toFixed(0)}ms (${method} ${path})`,
  };
  return isDenied ? [request] : [request, response];
}

export function packetFlow(from: Side | undefined, to: Side | undefined, port: number, more: Json): Json {
  return {
    verdict: 'FORWARDED',
    IP: { source: from?.ip ?? '203.0.113.10', destination: to?.ip ?? '203.0.113.10', ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 41_000, destination_port: port, flags: { SYN: true } } },
    source: from ? endpoint(from) : world,
    destination: to ? endpoint(to) : world,
    Type: 'L3_L4',
    node_name: 'ciliate/node-1',
    event_type: { type: 4 },
    traffic_direction: to ? 'INGRESS' : 'EGRESS',
    trace_observation_point: 'TO_ENDPOINT',
    trace_reason: 'NEW',
    is_reply: false,
    Summary: 'TCP Flags: SYN',
    ...more,
  };
}

export function dnsFlows(from: Side, name: string): Json[] {
  const common = { verdict: 'FORWARDED', Type: 'L7', node_name: 'ciliate/node-1', event_type: { type: 129 } };
  const query = { query: `${name}.`, qtypes: ['A'], observation_source: 'proxy' };
  return [
    {
      ...common,
      IP: { source: from.ip, destination: sides.dns.ip, ipVersion: 'IPv4' },
      l4: { UDP: { source_port: 42_000, destination_port: 53 } },
      source: endpoint(from),
      destination: endpoint(sides.dns),
      l7: { type: 'REQUEST', dns: query },
      traffic_direction: 'EGRESS',
      is_reply: false,
      Summary: `DNS Query ${name}. A`,
    },
    {
      ...common,
      IP: { source: sides.dns.ip, destination: from.ip, ipVersion: 'IPv4' },
      l4: { UDP: { source_port: 53, destination_port: 42_000 } },
      source: endpoint(sides.dns),
      destination: endpoint(from),
      l7: { type: 'RESPONSE', latency_ns: '900000', dns: { ...query, ips: ['203.0.113.10'] } },
      traffic_direction: 'INGRESS',
      is_reply: true,
      Summary: `DNS Answer "203.0.113.10" (Query ${name}. A)`,
    },
  ];
}

/** The flows of one turn of the shop, by chance. */
function turn(random: () => number): Json[] {
  const latencyMs = 2 + random() * 20;
  const http = (
    from: Side,
    to: Side,
    port: number,
    method: string,
    path: string,
    more: Partial<Request> = {},
  ): Json[] => httpFlows({ from, to, port, method, path, code: 200, latencyMs, ...more });
  const { web, cart, payments, redis, ledger, audit, crawler, prometheus } = sides;
  const chance = random();
  if (chance < 0.2) return [packetFlow(undefined, web, 443, {})];
  if (chance < 0.4) return http(web, cart, 8080, 'GET', `/cart/${Math.floor(random() * 900)}`);
  if (chance < 0.5) return http(web, cart, 8080, 'POST', '/cart', { code: random() < 0.1 ? 503 : 201 });
  if (chance < 0.6) return http(cart, payments, 9090, 'POST', '/charge', { latencyMs: latencyMs * 6 });
  if (chance < 0.7) return [packetFlow(cart, redis, 6379, {})];
  if (chance < 0.76) return http(payments, ledger, 8443, 'GET', '/accounts/42');
  if (chance < 0.79) return http(payments, ledger, 8443, 'DELETE', '/accounts/42', { isDenied: true });
  if (chance < 0.83) return http(ledger, audit, 8080, 'PUT', '/entries');
  if (chance < 0.87) {
    return [
      packetFlow(crawler, payments, 9090, {
        verdict: 'DROPPED',
        drop_reason: 133,
        drop_reason_desc: 'POLICY_DENIED',
        event_type: { type: 1, sub_type: 133 },
        trace_observation_point: undefined,
        trace_reason: undefined,
      }),
    ];
  }
  if (chance < 0.91) return dnsFlows(payments, 'api.bank.example');
  if (chance < 0.94) return [packetFlow(payments, undefined, 443, { destination_names: ['api.bank.example'] })];
  return http(prometheus, web, 9100, 'GET', '/metrics');
}

export interface Recording {
  readonly seed: number;
  /** Flows; a few more, as a request is two. */
  readonly flows: number;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly perSecond: number;
}

/** Lines of GetFlowsResponse in JSON, as `hubble observe -o jsonpb` prints them. */
export function generateRecording(recording: Recording): string[] {
  return writeRecording(recording, turn);
}

/** Lines of what `next` gives by chance, flow after flow. */
export function writeRecording(
  { seed, flows, startMs, perSecond }: Recording,
  next: (random: () => number) => readonly Json[],
): string[] {
  const random = createRandom(seed);
  const lines: string[] = [];
  while (lines.length < flows) {
    for (const flow of next(random)) {
      const time = new Date(startMs + (lines.length * 1000) / perSecond).toISOString();
      const uuid = `00000000-0000-4000-8000-${String(lines.length).padStart(12, '0')}`;
      lines.push(JSON.stringify({ flow: { time, uuid, ...flow }, node_name: 'ciliate/node-1', time }));
    }
  }
  return lines;
}
