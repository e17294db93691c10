/** A flow as Hubble's JSON has it, as far as the page reads it. Every field may be missing: it comes from the network. */
export interface Flow {
  readonly time?: string;
  readonly uuid?: string;
  readonly verdict?: string;
  readonly drop_reason_desc?: string;
  readonly IP?: { readonly source?: string; readonly destination?: string };
  readonly l4?: {
    readonly TCP?: Ports & { readonly flags?: Readonly<Record<string, boolean>> };
    readonly UDP?: Ports;
    readonly SCTP?: Ports;
    readonly ICMPv4?: object;
    readonly ICMPv6?: object;
  };
  readonly source?: Endpoint;
  readonly destination?: Endpoint;
  readonly Type?: string;
  readonly node_name?: string;
  readonly source_names?: readonly string[];
  readonly destination_names?: readonly string[];
  readonly l7?: Layer7;
  readonly event_type?: { readonly type?: number; readonly sub_type?: number };
  readonly source_service?: ServiceName;
  readonly destination_service?: ServiceName;
  readonly traffic_direction?: string;
  readonly trace_observation_point?: string;
  readonly trace_reason?: string;
  readonly is_reply?: boolean;
  readonly interface?: { readonly name?: string };
  readonly proxy_port?: number;
  readonly Summary?: string;
  readonly egress_allowed_by?: readonly FlowPolicy[];
  readonly ingress_allowed_by?: readonly FlowPolicy[];
  readonly egress_denied_by?: readonly FlowPolicy[];
  readonly ingress_denied_by?: readonly FlowPolicy[];
  readonly proxied?: {
    readonly listener?: string;
    readonly route?: string;
    readonly cluster?: string;
    readonly original_path?: string;
  };
}

export interface Endpoint {
  readonly identity?: number;
  readonly namespace?: string;
  readonly labels?: readonly string[];
  readonly pod_name?: string;
  readonly workloads?: readonly { readonly name?: string; readonly kind?: string }[];
}

export interface FlowPolicy {
  readonly name?: string;
  readonly namespace?: string;
  readonly kind?: string;
  readonly labels?: readonly string[];
}

interface Ports {
  readonly source_port?: number;
  readonly destination_port?: number;
}

interface Layer7 {
  readonly type?: string;
  readonly latency_ns?: string;
  readonly http?: {
    readonly code?: number;
    readonly method?: string;
    readonly url?: string;
    readonly protocol?: string;
  };
  readonly dns?: {
    readonly query?: string;
    readonly ips?: readonly string[];
    readonly rcode?: number;
    readonly qtypes?: readonly string[];
  };
}

interface ServiceName {
  readonly name?: string;
  readonly namespace?: string;
}

export type Verdict = 'forwarded' | 'dropped' | 'audited' | 'error';

/** Who speaks: a workload of a namespace, or something outside of every namespace such as the world or a node. */
export interface Party {
  readonly key: string;
  readonly title: string;
  /** Empty outside of every namespace. */
  readonly namespace: string;
  /** What it is in a word: the kind of the workload, `outside` or `node`. */
  readonly kind: string;
}

/** What a flow asks on Layer 7. */
export interface Call {
  readonly protocol: 'http' | 'dns';
  readonly method: string;
  /** Path or DNS name, with what looks like an identifier replaced by `*`. */
  readonly target: string;
  readonly isResponse: boolean;
  /** Status of HTTP, response code of DNS; -1 in a request. */
  readonly code: number;
  readonly latencyMs: number | undefined;
}

/** A flow with what the map and the table need, read once. */
export interface ShownFlow {
  readonly flow: Flow;
  readonly timeMs: number;
  readonly verdict: Verdict;
  readonly client: Party;
  readonly server: Party;
  readonly isReply: boolean;
  readonly protocol: string;
  /** Of the server; 0 where the protocol has none. */
  readonly port: number;
  readonly call: Call | undefined;
}

const verdicts: Readonly<Record<string, Verdict>> = { DROPPED: 'dropped', AUDIT: 'audited', ERROR: 'error' };

export function readFlow(flow: Flow): ShownFlow {
  const isReply = flow.is_reply === true || flow.l7?.type === 'RESPONSE';
  const source = partyOf(flow.source, flow.source_names, flow.source_service);
  const destination = partyOf(flow.destination, flow.destination_names, flow.destination_service);
  const { protocol, ports } = transportOf(flow);
  return {
    flow,
    timeMs: Date.parse(flow.time ?? '') || 0,
    verdict: verdicts[flow.verdict ?? ''] ?? 'forwarded',
    client: isReply ? destination : source,
    server: isReply ? source : destination,
    isReply,
    protocol,
    port: Number(isReply ? ports?.source_port : ports?.destination_port) || 0,
    call: callOf(flow),
  };
}

function transportOf({ l4 }: Flow): { protocol: string; ports: Ports | undefined } {
  if (l4?.TCP) return { protocol: 'TCP', ports: l4.TCP };
  if (l4?.UDP) return { protocol: 'UDP', ports: l4.UDP };
  if (l4?.SCTP) return { protocol: 'SCTP', ports: l4.SCTP };
  if (l4?.ICMPv4 || l4?.ICMPv6) return { protocol: 'ICMP', ports: undefined };
  return { protocol: 'other', ports: undefined };
}

/** Reserved identities in the order in which they name an endpoint that has several. */
const reserved: readonly (readonly [label: string, title: string, kind: string])[] = [
  ['reserved:kube-apiserver', 'kube-apiserver', 'outside'],
  ['reserved:ingress', 'ingress', 'outside'],
  ['reserved:host', 'host', 'node'],
  ['reserved:remote-node', 'remote node', 'node'],
  ['reserved:health', 'health', 'node'],
  ['reserved:world', 'world', 'outside'],
  ['reserved:world-ipv4', 'world', 'outside'],
  ['reserved:world-ipv6', 'world', 'outside'],
];
/** Labels that name an application, the best first. */
const nameLabels = ['app.kubernetes.io/name', 'app', 'k8s-app', 'name'];

function partyOf(
  endpoint: Endpoint | undefined,
  names: readonly string[] | undefined,
  service: ServiceName | undefined,
): Party {
  const labels = endpoint?.labels ?? [];
  const namespace = endpoint?.namespace ?? '';
  if (namespace !== '') {
    const [workload] = endpoint?.workloads ?? [];
    const title = workload?.name ?? nameByLabel(labels) ?? endpoint?.pod_name ?? `identity ${endpoint?.identity ?? 0}`;
    return { key: `${namespace}/${title}`, title, namespace, kind: workload?.kind ?? 'Pod' };
  }
  // A Service's address before a backend is chosen, as on the way to the proxy of a CiliumEnvoyConfig.
  if (service?.name && service.namespace) {
    const { name: title, namespace: of } = service;
    return { key: `${of}/service/${title}`, title, namespace: of, kind: 'Service' };
  }
  const found = reserved.find(([label]) => labels.includes(label));
  const name = names?.[0];
  if (name !== undefined && name !== '' && found?.[2] !== 'node') {
    const title = name.replace(/\.$/, '');
    return { key: `/${title}`, title, namespace: '', kind: 'outside' };
  }
  const title = found?.[1] ?? 'unknown';
  return { key: `/${title}`, title, namespace: '', kind: found?.[2] ?? 'outside' };
}

function nameByLabel(labels: readonly string[]): string | undefined {
  for (const name of nameLabels) {
    const prefix = `k8s:${name}=`;
    const label = labels.find((each) => each.startsWith(prefix));
    if (label !== undefined) return label.slice(prefix.length);
  }
  return undefined;
}

function callOf({ l7 }: Flow): Call | undefined {
  if (!l7) return undefined;
  const isResponse = l7.type === 'RESPONSE';
  const latencyMs = isResponse && l7.latency_ns !== undefined ? Number(l7.latency_ns) / 1e6 : undefined;
  if (l7.http) {
    const { method = '', url = '', code = 0 } = l7.http;
    return { protocol: 'http', method, target: pathOf(url), isResponse, code: isResponse ? code : -1, latencyMs };
  }
  if (l7.dns) {
    const { qtypes = [], query = '', rcode = 0 } = l7.dns;
    const target = query.replace(/\.$/, '');
    return { protocol: 'dns', method: qtypes.join(','), target, isResponse, code: isResponse ? rcode : -1, latencyMs };
  }
  return undefined;
}

const identifier = /^(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27})$/i;

/** The path of a URL without its query; segments that look like identifiers become `*`, so that calls of one kind are one row. */
export function pathOf(url: string): string {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (path === '') return '/';
  return path
    .split('/')
    .map((segment) => (identifier.test(segment) ? '*' : segment))
    .join('/');
}
