import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Flow } from '../../model/flow/index.ts';
import { readMetrics } from './config.ts';
import { createFlowMetrics } from './registry.ts';

const client = {
  namespace: 'shop',
  pod_name: 'client-1',
  identity: 300,
  labels: ['k8s:app=client', 'k8s:name=client'],
  workloads: [{ name: 'client', kind: 'Deployment' }],
};
const server = {
  namespace: 'shop',
  pod_name: 'server-1',
  identity: 301,
  labels: ['k8s:app.kubernetes.io/name=server'],
  workloads: [{ name: 'server', kind: 'StatefulSet' }],
};
const ends = { source: client, destination: server, IP: { source: '10.0.0.1', destination: '10.0.0.2', ipVersion: 1 } };
const tcp = (flags: object, ports = { source_port: 40000, destination_port: 8080 }) => ({ TCP: { ...ports, flags } });

const trace: Flow = {
  ...ends,
  verdict: 1,
  event_type: { type: 4, sub_type: 3 },
  l4: tcp({ SYN: true }),
  is_reply: { value: false },
  traffic_direction: 2,
};
const reply: Flow = { ...trace, l4: tcp({ SYN: true, ACK: true }), is_reply: { value: true } };
const drop: Flow = {
  ...ends,
  destination: { identity: 2, labels: ['reserved:world'] },
  verdict: 2,
  event_type: { type: 1, sub_type: 133 },
  drop_reason_desc: 133,
  l4: tcp({ SYN: true }),
  traffic_direction: 2,
};
const verdict: Flow = { ...trace, event_type: { type: 5 }, policy_match_type: 2 };
const ping: Flow = { ...trace, l4: { ICMPv4: { type: 8, code: 0 } } };
const http = (type: number, change: Flow = {}): Flow => ({
  ...trace,
  event_type: { type: 129 },
  l7: { type, latency_ns: 30_000_000, http: { method: 'GET', protocol: 'HTTP/1.1', code: type === 2 ? 200 : 0 } },
  ...change,
});
const response = http(2, { source: server, destination: client, is_reply: { value: true } });
const dns = (change: object, flow: Flow = {}): Flow => ({
  ...trace,
  event_type: { type: 129 },
  l7: { type: 1, dns: { query: 'a.example.', qtypes: ['A'], ...change } },
  ...flow,
});
const answered = { is_reply: { value: true } };

/** The samples of a node that has seen the flows, without comments and what is always there. */
async function samples(setting: string, flows: readonly Flow[], openMetrics = false): Promise<readonly string[]> {
  const configs = readMetrics(setting);
  assert.ok(configs.ok, JSON.stringify(configs));
  const metrics = createFlowMetrics({ configs: configs.value, openMetrics });
  for (const flow of flows) metrics.observe(flow);
  const always = /^hubble_(?:lost_events|series_dropped)_total\{/;
  return linesOf((await metrics.text()).body).filter((line) => !always.test(line));
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket{'));
}

const cases: readonly (readonly [setting: string, flows: readonly Flow[], expected: readonly string[]])[] = [
  ['drop', [trace, drop, drop], ['hubble_drop_total{reason="POLICY_DENIED",protocol="TCP"} 2']],
  [
    'flow',
    [trace, drop, verdict, response, dns({})],
    [
      'hubble_flows_processed_total{protocol="TCP",type="Trace",subtype="to-stack",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="TCP",type="Drop",subtype="",verdict="DROPPED"} 1',
      'hubble_flows_processed_total{protocol="TCP",type="PolicyVerdict",subtype="",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="HTTP",type="L7",subtype="HTTP",verdict="FORWARDED"} 1',
      'hubble_flows_processed_total{protocol="DNS",type="L7",subtype="DNS",verdict="FORWARDED"} 1',
    ],
  ],
  [
    'tcp',
    [trace, reply, { ...trace, l4: tcp({ RST: true, ACK: true }) }, drop],
    [
      'hubble_tcp_flags_total{flag="SYN",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="SYN-ACK",family="IPv4"} 1',
      'hubble_tcp_flags_total{flag="RST",family="IPv4"} 1',
    ],
  ],
  [
    'port-distribution',
    [trace, reply, drop, ping],
    [
      'hubble_port_distribution_total{protocol="TCP",port="8080"} 1',
      'hubble_port_distribution_total{protocol="ICMPv4",port="0"} 1',
    ],
  ],
  ['icmp', [ping, trace], ['hubble_icmp_total{family="IPv4",type="EchoRequest"} 1']],
  [
    'policy',
    [trace, verdict, { ...verdict, source: { identity: 1 } }, http(1, { verdict: 2 })],
    [
      'hubble_policy_verdicts_total{direction="egress",match="l3-l4",action="forwarded"} 1',
      'hubble_policy_verdicts_total{direction="egress",match="l7/http",action="dropped"} 1',
    ],
  ],
  [
    'dns:query;ignoreAAAA',
    [
      dns({}),
      dns({ qtypes: ['AAAA'] }),
      dns({ ips: ['192.0.2.1', '192.0.2.2'], rrtypes: ['A'] }, answered),
      dns({ rcode: 3 }, answered),
      dns({}, { verdict: 2 }),
    ],
    [
      'hubble_dns_queries_total{rcode="",qtypes="A",ips_returned="0",query="a.example."} 1',
      'hubble_dns_queries_total{rcode="Policy denied",qtypes="A",ips_returned="0",query="a.example."} 1',
      'hubble_dns_responses_total{rcode="No Error",qtypes="A",ips_returned="2",query="a.example."} 1',
      'hubble_dns_responses_total{rcode="Non-Existent Domain",qtypes="A",ips_returned="0",query="a.example."} 1',
      'hubble_dns_response_types_total{type="A",qtypes="A",query="a.example."} 1',
    ],
  ],
  [
    'httpV2:labelsContext=destination_workload,source_app,traffic_direction',
    [http(1), response],
    [
      'hubble_http_requests_total{method="GET",reporter="client",source_app="client",destination_workload="server",traffic_direction="egress",protocol="HTTP/1.1",status="200"} 1',
      'hubble_http_request_duration_seconds_sum{method="GET",reporter="client",source_app="client",destination_workload="server",traffic_direction="egress"} 0.03',
      'hubble_http_request_duration_seconds_count{method="GET",reporter="client",source_app="client",destination_workload="server",traffic_direction="egress"} 1',
    ],
  ],
  [
    'http',
    [http(1), response],
    [
      'hubble_http_requests_total{method="GET",reporter="client",protocol="HTTP/1.1"} 1',
      'hubble_http_responses_total{method="GET",reporter="client",status="200"} 1',
      'hubble_http_request_duration_seconds_sum{method="GET",reporter="client"} 0.03',
      'hubble_http_request_duration_seconds_count{method="GET",reporter="client"} 1',
    ],
  ],
  [
    'flows-to-world:port;syn-only',
    [drop, trace, { ...drop, drop_reason_desc: 181 }, { ...drop, l4: tcp({ ACK: true }) }],
    ['hubble_flows_to_world_total{protocol="TCP",verdict="DROPPED",port="8080"} 1'],
  ],
  [
    'drop:sourceContext=workload-name|ip;destinationContext=dns|reserved-identity',
    [drop, { ...drop, source: {} }],
    [
      'hubble_drop_total{reason="POLICY_DENIED",protocol="TCP",source="client",destination="reserved:world"} 1',
      'hubble_drop_total{reason="POLICY_DENIED",protocol="TCP",source="10.0.0.1",destination="reserved:world"} 1',
    ],
  ],
  [
    'drop:sourceEgressContext=pod;sourceContext=namespace;destinationIngressContext=pod',
    [drop],
    ['hubble_drop_total{reason="POLICY_DENIED",protocol="TCP",source="shop/client-1",destination=""} 1'],
  ],
];

test('flows add up as Hubble counts them', async () => {
  for (const [setting, flows, expected] of cases) assert.deepEqual(await samples(setting, flows), expected, setting);
});

test('metrics of Kafka are accepted, described and empty', async () => {
  assert.deepEqual(await samples('kafka:labelsContext=source_namespace', [trace, response]), []);
  const configs = readMetrics('kafka');
  assert.ok(configs.ok);
  const { body } = await createFlowMetrics({ configs: configs.value, openMetrics: false }).text();
  assert.match(body, /^# TYPE hubble_kafka_requests_total counter$/m);
  assert.match(body, /^# TYPE hubble_kafka_request_duration_seconds histogram$/m);
});

test('what may be lost is there before the first loss', async () => {
  const configs = readMetrics('drop');
  assert.ok(configs.ok);
  const lines = linesOf((await createFlowMetrics({ configs: configs.value, openMetrics: false }).text()).body);
  assert.deepEqual(lines, [
    'hubble_lost_events_total{source="observer_events_queue"} 0',
    'hubble_series_dropped_total{metric="hubble_drop_total"} 0',
  ]);
});

test('a setting that is not understood says what is allowed', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['drop nope', /^unknown metric nope; allowed: dns, drop, flow, /],
    ['constructor', /^unknown metric constructor/],
    ['drop:query', /^metric drop: unknown option query; allowed: sourceContext, /],
    ['dns:sourceContext=nope', /^metric dns: unknown context "nope"; allowed: identity, namespace, /],
    ['dns:labelsContext=source_pod,x', /^metric dns: invalid labelsContext value "x"; allowed: source_ip, /],
    ['drop drop', /^metric drop occurs twice$/],
    ['http httpV2', /exclude each other$/],
  ];
  for (const [text, expected] of wrong) {
    const read = readMetrics(text);
    assert.match(read.ok ? 'accepted' : read.error, expected);
  }
});

test('series of a pod go with it, and others stay', async () => {
  const setting = 'drop:sourceContext=pod tcp:labelsContext=source_namespace,source_pod flow';
  const configs = readMetrics(setting);
  assert.ok(configs.ok);
  const metrics = createFlowMetrics({ configs: configs.value, openMetrics: false });
  for (const flow of [drop, trace, { ...trace, source: { ...client, pod_name: 'client-2' } }]) metrics.observe(flow);
  metrics.podGone('shop', 'client-1');
  const left = linesOf((await metrics.text()).body);
  assert.ok(!left.some((line) => line.includes('client-1')));
  assert.ok(left.some((line) => line.includes('source_pod="client-2"')));
  assert.equal(left.filter((line) => line.startsWith('hubble_flows_processed_total')).length, 2);
});

test('series are bounded, and what is lost or left out is counted', async () => {
  const configs = readMetrics('drop:sourceContext=ip');
  assert.ok(configs.ok);
  const metrics = createFlowMetrics({ configs: configs.value, openMetrics: false });
  for (let host = 0; host < 10_007; host++) metrics.observe({ ...drop, IP: { source: `h${host}`, destination: 'x' } });
  metrics.lost('observer_events_queue', 5);
  const lines = linesOf((await metrics.text()).body);
  assert.equal(lines.filter((line) => line.startsWith('hubble_drop_total{')).length, 10_000);
  assert.ok(lines.includes('hubble_series_dropped_total{metric="hubble_drop_total"} 7'));
  assert.ok(lines.includes('hubble_lost_events_total{source="observer_events_queue"} 5'));
});

test('with OpenMetrics exemplars lead to traces', async () => {
  const traced = { ...response, trace_context: { parent: { trace_id: 'abc' } } };
  const lines = await samples('httpV2:exemplars=true', [traced], true);
  assert.ok(
    lines.some((line) => /^hubble_http_requests_total\{.*\} 1 # \{traceID="abc"\} 1 /.test(line)),
    lines.join('\n'),
  );
});
