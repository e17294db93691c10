import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Flow, type FlowFilter, readJsonValue } from '../../model/flow/index.ts';
import { compileFilters, compileSelection } from './compile.ts';

const http: Flow = {
  uuid: 'u1',
  verdict: 1,
  IP: { source: '10.244.1.61', destination: '10.244.1.140', ipVersion: 1 },
  l4: { TCP: { source_port: 51312, destination_port: 8080, flags: { SYN: true, ACK: true } } },
  source: {
    identity: 300,
    namespace: 'cilium-test',
    pod_name: 'client2-a',
    labels: ['k8s:name=client2', 'k8s:other=client'],
    workloads: [{ name: 'client2', kind: 'Deployment' }],
  },
  destination: {
    identity: 2,
    namespace: 'prod',
    pod_name: 'echo-b',
    labels: ['reserved:world'],
    cluster_name: 'kind-kind',
  },
  destination_names: ['api.example.com'],
  destination_service: { namespace: 'prod', name: 'echo' },
  node_name: 'kind-kind/worker-1',
  l7: {
    type: 2,
    http: {
      code: 404,
      method: 'GET',
      url: 'http://echo:8080/public/x?y=1',
      headers: [{ key: 'Accept', value: '*/*' }],
    },
  },
  event_type: { type: 129 },
  traffic_direction: 2,
  is_reply: { value: true },
  trace_context: { parent: { trace_id: 'abc' } },
};
const trace: Flow = { event_type: { type: 4, sub_type: 3 }, l4: { UDP: { source_port: 1, destination_port: 53 } } };

const matching: readonly [FlowFilter, boolean][] = [
  [{}, true],
  [{ uuid: ['u2', 'u1'] }, true],
  [{ source_pod: ['cilium-test/client'] }, true],
  [{ source_pod: ['cilium-test/'] }, true],
  [{ source_pod: ['/client2'] }, true],
  [{ source_pod: ['/'] }, true],
  [{ source_pod: ['client2-a'] }, false],
  [{ source_pod: ['other/client'] }, false],
  [{ destination_service: ['prod/echo'] }, true],
  [{ source_service: ['/'] }, false],
  [{ source_ip: ['10.244.0.0/16'] }, true],
  [{ destination_ip: ['10.244.1.141'] }, false],
  [{ destination_fqdn: ['*.example.com.'] }, true],
  [{ destination_fqdn: ['example.com'] }, false],
  [{ source_label: ['name=client2,other in (x, client)'] }, true],
  [{ source_label: ['k8s:name!=client2'] }, false],
  [{ source_label: ['missing!=x'] }, true],
  [{ source_label: ['!missing,name'] }, true],
  [{ source_label: ['reserved:name=client2'] }, false],
  [{ source_label: ['any:name=client2'] }, true],
  [{ source_label: [''] }, true],
  [{ source_label: ['name>1'] }, false],
  [{ destination_label: ['reserved:world'] }, true],
  [{ source_workload: [{ name: 'client2' }] }, true],
  [{ source_workload: [{ name: 'client2', kind: 'Pod' }] }, false],
  [{ destination_cluster_name: ['kind-*'] }, false],
  [{ destination_cluster_name: ['x', 'kind-kind'] }, true],
  [{ source_identity: [1, 300] }, true],
  [{ destination_port: ['8000-9000'] }, true],
  [{ destination_port: ['80'] }, false],
  [{ verdict: [2] }, false],
  [{ event_type: [{ type: 129 }] }, true],
  [{ event_type: [{ type: 4, match_sub_type: true, sub_type: 3 }] }, false],
  [{ http_status_code: ['4+'] }, true],
  [{ http_status_code: ['200', '40+'] }, true],
  [{ http_method: ['get'] }, true],
  [{ http_path: ['^/public/x$'] }, true],
  [{ http_path: ['y=1'] }, false],
  [{ http_url: ['y=1'] }, true],
  [{ http_header: [{ key: 'Accept', value: '*/*' }] }, true],
  [{ http_header: [{ key: 'accept', value: '*/*' }] }, false],
  [{ protocol: ['HTTP'] }, true],
  [{ protocol: ['udp', 'dns'] }, false],
  [{ tcp_flags: [{ SYN: true }] }, true],
  [{ tcp_flags: [{ FIN: true }] }, false],
  [{ node_name: ['kind-kind/'] }, true],
  [{ node_name: ['kind-*/worker*'] }, true],
  [{ node_name: ['worker-1'] }, true],
  [{ node_name: ['WORKER-*'] }, true],
  [{ node_name: ['/worker-1'] }, true],
  [{ node_name: ['default/worker-1'] }, false],
  [{ reply: [true] }, true],
  [{ reply: [false] }, false],
  [{ ip_version: [1] }, true],
  [{ trace_id: ['abc'] }, true],
  [{ verdict: [1], source_identity: [4] }, false],
];

test('a filter matches when each of its fields does', () => {
  for (const [filter, expected] of matching) {
    const compiled = compileFilters([filter]);
    assert.ok(compiled.ok, JSON.stringify(filter));
    assert.equal(compiled.value(http), expected, JSON.stringify(filter));
  }
});

test('what is wrong in a filter is told in the original words', () => {
  const cases: readonly [FlowFilter, RegExp][] = [
    [{ protocol: ['x'] }, /^invalid protocol filter: unknown protocol: "x"$/],
    [{ protocol: ['constructor'] }, /unknown protocol: "constructor"/],
    [{ http_status_code: ['9'] }, /^invalid http status code filter: invalid status code prefix: "9"$/],
    [
      { http_status_code: ['200'], event_type: [{ type: 4 }] },
      /^filtering by http status code requires the event type filter to only match 'l7' events$/,
    ],
    [{ http_path: ['('] }, /^invalid http path filter: \(: error parsing regexp: missing closing \): `\(`$/],
    [
      { dns_query: ['('] },
      /^invalid DNS query filter: failed to compile regexp: error parsing regexp: missing closing \)/,
    ],
    [
      { http_header: [{ key: 'a' }], event_type: [{ type: 4 }] },
      /^filtering by http headers requires the event type filter to only match 'l7' events$/,
    ],
    [{ http_url: ['(?=a)'] }, /^invalid http url filter: /],
    [{ source_label: ['a in x'] }, /^invalid source label filter: /],
    [{ destination_fqdn: ['a b'] }, /^' ': invalid rune in pattern$/],
    [{ destination_fqdn: [''] }, /^empty pattern$/],
    [{ destination_fqdn: ['a..'] }, /^multiple trailing dots in pattern$/],
    [{ node_name: ['a/b/c'] }, /^too many slashes in pattern$/],
    [{ source_pod: [''] }, /^invalid filter, name must not be empty$/],
    [{ source_service: [''] }, /^invalid source service filter: invalid filter, name must not be empty$/],
    [{ source_cluster_name: [''] }, /^invalid filter, name must not be empty$/],
    [{ source_ip: ['10.0.0'] }, /^invalid IP address "10\.0\.0" in filter$/],
    [{ source_ip: ['10.0.0.0/33'] }, /^invalid IP prefix "10\.0\.0\.0\/33" in filter$/],
    [{ destination_port: ['70000'] }, /^invalid destination port filter: /],
    [{ experimental: { cel_expression: ['1 +'] } }, /^error compiling CEL expression: /],
  ];
  for (const [filter, expected] of cases) {
    const compiled = compileFilters([filter]);
    assert.match(compiled.ok ? 'accepted' : compiled.error, expected);
  }
});

test('what a flow leaves out is judged as the original does', () => {
  const cases: readonly [FlowFilter, Flow, boolean][] = [
    [{ reply: [false] }, { verdict: 2 }, true],
    [{ reply: [false] }, { verdict: 1 }, false],
    [{ encrypted: [false] }, {}, true],
    [{ drop_reason_desc: [133] }, { verdict: 2, drop_reason_desc: 133 }, true],
    [{ drop_reason_desc: [133] }, { verdict: 1, drop_reason_desc: 133 }, false],
    [{ event_type: [{}] }, {}, false],
    [{ event_type: [{}] }, { event_type: {} }, true],
    [{ destination_identity: [0] }, {}, false],
    [{ destination_identity: [0] }, { destination: {} }, true],
    [{ trace_id: [''] }, {}, true],
    [{ http_path: ['^/a b$'] }, { l7: { http: { url: 'http://h/a%20b?c' } } }, true],
    [{ http_path: ['a'] }, { l7: { http: { url: 'http://h/a%zz' } } }, false],
    [{ node_name: ['default/n'] }, { node_name: 'n' }, true],
    [{ source_label: ['k8s:a>3'] }, { source: { labels: ['k8s:a=4'] } }, true],
  ];
  for (const [filter, flow, expected] of cases) {
    const compiled = compileFilters([filter]);
    assert.ok(compiled.ok, JSON.stringify(filter));
    assert.equal(compiled.value(flow), expected, JSON.stringify([filter, flow]));
  }
});

test('the selection is white list minus black list', () => {
  const cases: readonly [FlowFilter[], FlowFilter[], boolean, boolean][] = [
    [[], [], true, true],
    [[{ protocol: ['http'] }], [], true, false],
    [[{ protocol: ['http'] }, { protocol: ['udp'] }], [], true, true],
    [[], [{ protocol: ['udp'] }], true, false],
    [[{ protocol: ['http'] }], [{ verdict: [1] }], false, false],
  ];
  for (const [white, black, first, second] of cases) {
    const selection = compileSelection(white, black);
    assert.ok(selection.ok);
    assert.deepEqual([selection.value(http), selection.value(trace)], [first, second]);
  }
});

const exporter = '/work/shared/data/hubble/exporter_filter_cases.json';

test('exporter filter cases', { skip: existsSync(exporter) ? false : `${exporter} is absent` }, () => {
  const { flows, cases } = JSON.parse(readFileSync(exporter, 'utf8')) as {
    readonly flows: Readonly<Record<string, unknown>>;
    readonly cases: readonly {
      readonly include: readonly FlowFilter[];
      readonly send: readonly string[];
      readonly exported: readonly string[];
    }[];
  };
  const decode = (name: string): Flow => {
    const read = readJsonValue<Flow>('flow.Flow', flows[name]);
    assert.ok(read.ok, name);
    return read.value.message;
  };
  for (const { include, send, exported } of cases) {
    const selection = compileSelection(include, []);
    assert.ok(selection.ok);
    assert.deepEqual(
      send.filter((name) => selection.value(decode(name))),
      exported,
    );
  }
});
