import { enumName, type Flow, IpVersion, L7FlowType, MessageType, Verdict } from '../../model/flow/index.ts';
import { icmpText } from '../build/icmp-names.ts';
import { matchTypeText, tracePoints } from '../names/event-types.ts';
import { rcodeText } from '../names/rcodes.ts';
import type { MetricConfig, MetricName } from './config.ts';
import { contextLabelNames, contextLabels, directionText } from './context.ts';
import { flowProtocol } from './flow-protocol.ts';

/** A series of numbers under one name. Histograms have Prometheus' default buckets, in seconds. */
export interface MetricSeries {
  /** Without the prefix `hubble_`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'histogram';
  readonly labels: readonly string[];
}

/** What one flow adds to a series: 1 to a counter, a number of seconds to a histogram. */
export interface Observation {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly seconds?: number;
  /** For an exemplar. */
  readonly traceId?: string;
}

/** The series of a metric, and what a flow adds to them, as `pkg/hubble/metrics` counts. Pure. */
export interface Metric {
  readonly series: readonly MetricSeries[];
  readonly observe: (flow: Flow) => readonly Observation[];
}

export function createMetric(config: MetricConfig): Metric {
  const made = makers[config.name](config);
  const names = contextLabelNames(config.context);
  return { ...made, series: made.series.map((one) => ({ ...one, labels: [...one.labels, ...names] })) };
}

const none: readonly Observation[] = [];

const counter = (name: string, help: string, labels: readonly string[]): MetricSeries => ({
  name,
  help,
  type: 'counter',
  labels,
});

const makers: Readonly<Record<MetricName, (config: MetricConfig) => Metric>> = {
  dns: dnsMetric,
  drop: ({ context }) => ({
    series: [counter('drop_total', 'Number of drops', ['reason', 'protocol'])],
    observe: (flow) => {
      if (flow.verdict !== Verdict.DROPPED) return none;
      const reason = enumName('flow.DropReason', flow.drop_reason_desc ?? 0) ?? 'DROP_REASON_UNKNOWN';
      return [
        { name: 'drop_total', labels: { reason, protocol: flowProtocol(flow), ...contextLabels(context, flow) } },
      ];
    },
  }),
  flow: ({ context }) => ({
    series: [
      counter('flows_processed_total', 'Total number of flows processed', ['protocol', 'type', 'subtype', 'verdict']),
    ],
    observe: (flow) => {
      const labels = { protocol: flowProtocol(flow), ...typeLabels(flow), verdict: verdictText(flow) };
      return [{ name: 'flows_processed_total', labels: { ...labels, ...contextLabels(context, flow) } }];
    },
  }),
  'flows-to-world': worldMetric,
  http: ({ context }) => ({
    series: [
      counter('http_requests_total', 'Count of HTTP requests', ['method', 'protocol', 'reporter']),
      counter('http_responses_total', 'Count of HTTP responses', ['method', 'status', 'reporter']),
      durations,
    ],
    observe: (flow) => {
      const { type, latency_ns: latency = 0, http } = flow.l7 ?? {};
      if (!http) return none;
      const labels = { method: http.method ?? '', reporter: reporter(flow), ...contextLabels(context, flow) };
      if (type === L7FlowType.REQUEST) {
        return [{ name: 'http_requests_total', labels: { ...labels, protocol: http.protocol ?? '' } }];
      }
      if (type !== L7FlowType.RESPONSE) return none;
      return [
        { name: 'http_responses_total', labels: { ...labels, status: String(http.code ?? 0) } },
        { name: durations.name, labels, seconds: Number(latency) / 1e9 },
      ];
    },
  }),
  httpV2: httpMetric,
  icmp: ({ context }) => ({
    series: [counter('icmp_total', 'Number of ICMP messages', ['family', 'type'])],
    observe: (flow) => {
      const { ICMPv4: v4, ICMPv6: v6 } = flow.l4 ?? {};
      const message = v4 ?? v6;
      if (!message) return none;
      const type = icmpText(v4 ? 4 : 6, message.type ?? 0, message.code ?? 0);
      const labels = { family: v4 ? 'IPv4' : 'IPv6', type, ...contextLabels(context, flow) };
      return [{ name: 'icmp_total', labels }];
    },
  }),
  // No flow here is Kafka's: its series are described and stay empty.
  kafka: () => ({ series: kafkaSeries, observe: () => none }),
  policy: policyMetric,
  'port-distribution': ({ context }) => ({
    series: [
      counter('port_distribution_total', 'Numbers of packets distributed by destination port', ['protocol', 'port']),
    ],
    observe: (flow) => {
      const passes = flow.verdict === Verdict.FORWARDED || flow.verdict === Verdict.REDIRECTED;
      // Where nothing is known of the direction the port may be the client's.
      if (!passes || !flow.l4 || flow.is_reply?.value !== false) return none;
      const { TCP, UDP, SCTP, ICMPv4, ICMPv6 } = flow.l4;
      const ported = TCP ?? UDP ?? SCTP;
      const protocol = TCP ? 'TCP' : UDP ? 'UDP' : SCTP ? 'SCTP' : ICMPv4 ? 'ICMPv4' : ICMPv6 ? 'ICMPv6' : undefined;
      if (protocol === undefined) return none;
      const labels = { protocol, port: String(ported?.destination_port ?? 0), ...contextLabels(context, flow) };
      return [{ name: 'port_distribution_total', labels }];
    },
  }),
  tcp: ({ context }) => ({
    series: [counter('tcp_flags_total', 'TCP flag occurrences', ['flag', 'family'])],
    observe: (flow) => {
      const flags = flow.l4?.TCP?.flags;
      if (flow.verdict !== Verdict.FORWARDED || !flags || !flow.IP) return none;
      const family = flow.IP.ipVersion === IpVersion.IPv6 ? 'IPv6' : 'IPv4';
      const seen = [
        ...(flags.FIN ? ['FIN'] : []),
        ...(flags.SYN ? [flags.ACK ? 'SYN-ACK' : 'SYN'] : []),
        ...(flags.RST ? ['RST'] : []),
      ];
      if (seen.length === 0) return none;
      const ends = contextLabels(context, flow);
      return seen.map((flag) => ({ name: 'tcp_flags_total', labels: { flag, family, ...ends } }));
    },
  }),
};

const durations: MetricSeries = {
  name: 'http_request_duration_seconds',
  help: 'Quantiles of HTTP request duration in seconds',
  type: 'histogram',
  labels: ['method', 'reporter'],
};

const kafkaSeries: readonly MetricSeries[] = [
  counter('kafka_requests_total', 'Count of Kafka requests by topic', ['topic', 'api_key', 'error_code', 'reporter']),
  {
    name: 'kafka_request_duration_seconds',
    help: 'Quantiles of Kafka request duration in seconds',
    type: 'histogram',
    labels: ['topic', 'api_key', 'reporter'],
  },
];

function dnsMetric({ flags, context }: MetricConfig): Metric {
  const withQuery = flags.has('query');
  const query = withQuery ? ['query'] : [];
  const about = 'Number of DNS queries observed';
  return {
    series: [
      counter('dns_queries_total', about, ['rcode', 'qtypes', 'ips_returned', ...query]),
      counter('dns_responses_total', about, ['rcode', 'qtypes', 'ips_returned', ...query]),
      counter('dns_response_types_total', about, ['type', 'qtypes', ...query]),
    ],
    observe: (flow) => {
      const dns = flow.l7?.dns;
      const { qtypes: types = [], ips = [], rrtypes = [], rcode = 0 } = dns ?? {};
      if (!dns || (flags.has('ignoreaaaa') && types.length === 1 && types[0] === 'AAAA')) return none;
      const qtypes = types.join(',');
      const ends = { ...(withQuery && { query: dns.query ?? '' }), ...contextLabels(context, flow) };
      const labels = (code: string) => ({ rcode: code, qtypes, ips_returned: String(ips.length), ...ends });
      if (flow.verdict === Verdict.DROPPED) return [{ name: 'dns_queries_total', labels: labels('Policy denied') }];
      if (flow.is_reply?.value !== true) return [{ name: 'dns_queries_total', labels: labels('') }];
      return [
        { name: 'dns_responses_total', labels: labels(rcodeText(rcode)) },
        ...rrtypes.map((type) => ({ name: 'dns_response_types_total', labels: { type, qtypes, ...ends } })),
      ];
    },
  };
}

function worldMetric({ flags, context }: MetricConfig): Metric {
  const withPort = flags.has('port');
  const labels = ['protocol', 'verdict', ...(withPort ? ['port'] : [])];
  return {
    series: [counter('flows_to_world_total', 'Total number of flows to reserved:world', labels)],
    observe: (flow) => {
      const { l4, verdict } = flow;
      if (!flow.destination?.labels?.includes('reserved:world') || !flow.event_type || !l4) return none;
      const dropped = verdict === Verdict.DROPPED;
      if (dropped && !flags.has('any-drop') && flow.drop_reason_desc !== policyDenied) return none;
      const reply = flow.is_reply?.value === true;
      if (!dropped && reply) return none;
      if (flags.has('syn-only') && (!l4.TCP?.flags?.SYN || reply)) return none;
      const port = String((l4.TCP ?? l4.UDP ?? l4.SCTP)?.destination_port ?? '');
      return [
        {
          name: 'flows_to_world_total',
          labels: {
            protocol: flowProtocol(flow),
            verdict: verdictText(flow),
            ...(withPort && { port }),
            ...contextLabels(context, flow),
          },
        },
      ];
    },
  };
}

const policyDenied = 133;

/** Requests are counted when they are answered; their labels speak of client and server as the request did. */
function httpMetric({ flags, context }: MetricConfig): Metric {
  return {
    series: [
      counter('http_requests_total', 'Count of HTTP requests', ['method', 'protocol', 'status', 'reporter']),
      durations,
    ],
    observe: (flow) => {
      const { type, latency_ns: latency = 0, http } = flow.l7 ?? {};
      if (!http || type !== L7FlowType.RESPONSE) return none;
      const labels = { method: http.method ?? '', reporter: reporter(flow), ...contextLabels(context, flow, true) };
      const trace = flags.has('exemplars') ? flow.trace_context?.parent?.trace_id : undefined;
      const exemplar = trace ? { traceId: trace } : {};
      const counted = { ...labels, protocol: http.protocol ?? '', status: String(http.code ?? 0) };
      return [
        { name: 'http_requests_total', labels: counted, ...exemplar },
        { name: durations.name, labels, seconds: Number(latency) / 1e9, ...exemplar },
      ];
    },
  };
}

function policyMetric({ context }: MetricConfig): Metric {
  return {
    series: [
      counter('policy_verdicts_total', 'Total number of Cilium network policy verdicts', [
        'direction',
        'match',
        'action',
      ]),
    ],
    observe: (flow) => {
      const match = policyMatch(flow);
      if (match === undefined) return none;
      const labels = { direction: policyDirection(flow), match, action: verdictText(flow).toLowerCase() };
      return [{ name: 'policy_verdicts_total', labels: { ...labels, ...contextLabels(context, flow) } }];
    },
  };
}

/** Undefined where the flow tells no verdict of a policy; what the host sends is always allowed, and does not count. */
function policyMatch(flow: Flow): string | undefined {
  const type = flow.event_type?.type;
  if (type === MessageType.L7) return `l7/${flow.l7?.dns ? 'dns' : flow.l7?.http ? 'http' : ''}`;
  if (type !== MessageType.POLICY_VERDICT || flow.source?.identity === 1) return undefined;
  return matchTypeText(flow.policy_match_type ?? 0).toLowerCase();
}

function policyDirection(flow: Flow): string {
  const direction = directionText(flow);
  return direction === 'unknown' ? 'traffic_direction_unknown' : direction;
}

function reporter(flow: Flow): string {
  const direction = directionText(flow);
  if (direction === 'egress') return 'client';
  return direction === 'ingress' ? 'server' : 'unknown';
}

function verdictText({ verdict = 0 }: Flow): string {
  return enumName('flow.Verdict', verdict) ?? 'VERDICT_UNKNOWN';
}

function typeLabels({ event_type: event, l7 }: Flow): { readonly type: string; readonly subtype: string } {
  const type = event?.type ?? 0;
  if (type === MessageType.L7) return { type: 'L7', subtype: l7?.dns ? 'DNS' : l7?.http ? 'HTTP' : '' };
  if (type === MessageType.DROP) return { type: 'Drop', subtype: '' };
  if (type === MessageType.CAPTURE) return { type: 'Capture', subtype: '' };
  if (type === MessageType.TRACE) return { type: 'Trace', subtype: tracePoints[event?.sub_type ?? 0] ?? '' };
  if (type === MessageType.POLICY_VERDICT) return { type: 'PolicyVerdict', subtype: '' };
  return { type: 'Unknown', subtype: String(type) };
}
