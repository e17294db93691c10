import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Flow, type FlowFilter, toTimestamp } from '../../model/flow/index.ts';
import { createObserver } from '../observer/observer.ts';
import { age, agingEvents, anyFlow } from '../observer/test-support.ts';

/** The answer of an Observer beside a filter written as plainly as the API's description, over the same ring. */

const some = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values, { minLength: 1 });
const fields = {
  verdict: some(1, 2),
  traffic_direction: some(0, 1, 2),
  drop_reason_desc: some(0, 133),
  reply: some(true, false),
  ip_version: some(0, 1),
  encrypted: some(true, false),
  source_ip: some('10.0.0.1', 'fd00::/16', '10.0.0.0/15'),
  source_ip_xlated: some('192.0.2.0/24'),
  destination_ip: some('10.1.0.2'),
  source_pod: some('a/', 'b/x', '/y', '/', 'x'),
  destination_service: some('a/s', '/', 'b/'),
  source_workload: some({ name: 'x' }, { kind: 'DaemonSet' }),
  source_identity: some(0, 300),
  destination_cluster_name: some('west', 'east'),
  source_label: some('app=x', '!app', 'k8s:tier in (1,2)', 'reserved:world'),
  source_fqdn: some('*.example', 'example'),
  destination_port: some('53', '80'),
  protocol: some('tcp', 'udp', 'icmp', 'http', 'dns'),
  tcp_flags: some({ SYN: true }, { ACK: true, FIN: true }),
  http_status_code: some('200', '4+'),
  dns_query: some('^a', 'c'),
  event_type: some({ type: 129 }, { type: 129, match_sub_type: true, sub_type: 3 }),
  node_name: some('n1', 'west/', 'default/n1'),
  interface: some({ name: 'lxc' }, { index: 2 }),
};
/** One filter of a few fields, so that flows match often enough to tell. */
const filters: fc.Arbitrary<FlowFilter> = fc
  .subarray(Object.keys(fields) as (keyof typeof fields)[], { maxLength: 3 })
  .chain((names) => {
    const chosen = fc.record(Object.fromEntries(names.map((name) => [name, fields[name]])));
    return chosen as fc.Arbitrary<unknown> as fc.Arbitrary<FlowFilter>;
  });

type Rule<K extends keyof FlowFilter> = (
  wanted: NonNullable<FlowFilter[K]> extends (infer T)[] ? T : never,
  flow: Flow,
) => boolean;

const named = (wanted: string, namespace = '', name = ''): boolean => {
  const [space, prefix] = wanted.includes('/') ? wanted.split('/') : ['default', wanted];
  return namespace + name !== '' && (space === '' || space === namespace) && name.startsWith(prefix ?? '');
};
const hosts: Readonly<Record<string, readonly string[]>> = {
  '10.0.0.0/15': ['10.0.0.1', '10.1.0.1'],
  'fd00::/16': ['fd00::1'],
  '192.0.2.0/24': ['192.0.2.1'],
};
const address = (wanted: string, found = ''): boolean => (hosts[wanted] ?? [wanted]).includes(found);
const labelled: Readonly<Record<string, (labels: readonly string[]) => boolean>> = {
  'app=x': (labels) => labels.includes('k8s:app=x'),
  '!app': (labels) => !labels.includes('k8s:app=x'),
  'k8s:tier in (1,2)': (labels) => labels.includes('k8s:tier=2'),
  'reserved:world': (labels) => labels.includes('reserved:world'),
};

const rules: { readonly [K in keyof FlowFilter]?: Rule<K> } = {
  verdict: (wanted, flow) => flow.verdict === wanted,
  traffic_direction: (wanted, flow) => flow.traffic_direction === wanted,
  drop_reason_desc: (wanted, flow) => flow.verdict === 2 && flow.drop_reason_desc === wanted,
  reply: (wanted, flow) => (flow.is_reply ? flow.is_reply.value === wanted : flow.verdict === 2 && !wanted),
  ip_version: (wanted, flow) => (flow.IP?.ipVersion ?? 0) === wanted,
  encrypted: (wanted, flow) => (flow.IP?.encrypted ?? false) === wanted,
  source_ip: (wanted, flow) => address(wanted, flow.IP?.source),
  source_ip_xlated: (wanted, flow) => address(wanted, flow.IP?.source_xlated),
  destination_ip: (wanted, flow) => address(wanted, flow.IP?.destination),
  source_pod: (wanted, { source }) => named(wanted, source?.namespace, source?.pod_name),
  destination_service: (wanted, { destination_service: to }) => named(wanted, to?.namespace, to?.name),
  source_workload: (wanted, { source }) =>
    (source?.workloads ?? []).length > 0 && (wanted.name === 'x' || wanted.kind === 'Deployment'),
  source_identity: (wanted, { source }) => source?.identity === wanted,
  destination_cluster_name: (wanted, { destination }) => destination?.cluster_name === wanted,
  source_label: (wanted, { source }) => labelled[wanted]?.(source?.labels ?? []) ?? false,
  source_fqdn: (wanted, { source_names: names = [] }) => names.includes(wanted.replace('*', 'n')),
  destination_port: (wanted, { l4 }) => String((l4?.TCP ?? l4?.UDP)?.destination_port) === wanted,
  protocol: (wanted, { l4, l7 }) =>
    Boolean({ tcp: l4?.TCP, udp: l4?.UDP, icmp: l4?.ICMPv4, http: l7?.http, dns: l7?.dns }[wanted]),
  tcp_flags: (wanted, { l4 }) => {
    const found = l4?.TCP?.flags;
    return Boolean(found && (wanted.SYN ? found.SYN : found.ACK && found.FIN));
  },
  http_status_code: (wanted, { l7 }) => l7?.http?.code === (wanted === '200' ? 200 : 404),
  dns_query: (wanted, { l7 }) => l7?.dns?.query === (wanted === '^a' ? 'a.b.' : 'c.'),
  event_type: (wanted, { event_type: found }) =>
    found?.type === wanted.type && (!wanted.match_sub_type || found?.sub_type === wanted.sub_type),
  node_name: (wanted, { node_name: node }) =>
    ({ n1: ['west/n1', 'n1'], 'west/': ['west/n1', 'west/n2'], 'default/n1': ['n1'] })[wanted]?.includes(node ?? '') ??
    false,
  interface: (wanted, { interface: found }) =>
    Boolean(found) && (wanted.name ? found?.name === wanted.name : found?.index === wanted.index),
};

function matches(filter: FlowFilter, flow: Flow): boolean {
  return Object.entries(filter).every(([field, wanted]) => {
    const rule = rules[field as keyof FlowFilter] as ((one: unknown, flow: Flow) => boolean) | undefined;
    assert.ok(rule, field);
    return (wanted as unknown[]).some((one) => rule(one, flow));
  });
}

test('the answer to any filters equals that of a plain one, also for flows that are kept in protobuf', async () => {
  const list = fc.array(filters, { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFlow, { maxLength: 20 }),
      list,
      list,
      fc.nat(8),
      fc.boolean(),
      fc.boolean(),
      async (all, whitelist, blacklist, number, first, aged) => {
        const capacity = 15 + (aged ? agingEvents : 0);
        const observer = createObserver({ nodeName: 'n', version: 'v', now: () => 0n, capacity });
        const numbered = all.map(
          (flow, index): Flow => ({ ...(flow as Flow), uuid: String(index), time: toTimestamp(BigInt(index)) }),
        );
        for (const flow of numbered) observer.push(flow);
        if (aged) await age(observer);
        const kept = numbered
          .slice(-15)
          .filter((flow) => whitelist.length === 0 || whitelist.some((filter) => matches(filter, flow)))
          .filter((flow) => !blacklist.some((filter) => matches(filter, flow)));
        const expected = number === 0 ? kept : first ? kept.slice(0, number) : kept.slice(-number);
        const reader = observer.getFlows({ number, first, whitelist, blacklist, field_mask: { paths: ['uuid'] } });
        assert.ok(reader.ok, reader.ok ? '' : reader.error.details);
        const found: unknown[] = [];
        for (let message = reader.value.next(); message; message = reader.value.next()) {
          found.push('flow' in message ? message.flow?.uuid : undefined);
        }
        assert.deepEqual(
          found,
          expected.map(({ uuid }) => uuid),
        );
      },
    ),
    { numRuns: 1000 },
  );
});
