import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Observer } from './observer.ts';

const pod = fc.record({
  namespace: fc.constantFrom('', 'a', 'b'),
  pod_name: fc.constantFrom('', 'x-1', 'x-2', 'y'),
  identity: fc.constantFrom(0, 1, 300),
  cluster_name: fc.constantFrom('', 'west'),
  labels: fc.subarray(['k8s:app=x', 'k8s:tier=2', 'reserved:world']),
  workloads: fc.constantFrom([], [{ name: 'x', kind: 'Deployment' }]),
});
const service = fc.option(fc.record({ namespace: fc.constantFrom('a', 'b'), name: fc.constantFrom('s', 't') }));
const flags = fc.option(fc.record({ SYN: fc.boolean(), ACK: fc.boolean(), FIN: fc.boolean() }));
const port = fc.constantFrom(53, 80, 8080);
const ports = { source_port: port, destination_port: port };
/** Flows of the few values that filters are tried with. */
export const anyFlow = fc.record({
  verdict: fc.constantFrom(1, 2, 4),
  traffic_direction: fc.constantFrom(0, 1, 2),
  drop_reason_desc: fc.constantFrom(0, 133),
  is_reply: fc.option(fc.record({ value: fc.boolean() })),
  IP: fc.option(
    fc.record({
      source: fc.constantFrom('10.0.0.1', '10.1.0.1', 'fd00::1'),
      source_xlated: fc.constantFrom('', '192.0.2.1'),
      destination: fc.constantFrom('10.0.0.2', '10.1.0.2'),
      ipVersion: fc.constantFrom(0, 1, 2),
      encrypted: fc.boolean(),
    }),
  ),
  l4: fc.oneof(
    fc.constant(null),
    fc.record({ TCP: fc.record({ ...ports, flags }) }),
    fc.record({ UDP: fc.record(ports) }),
    fc.constant({ ICMPv4: { type: 8 } }),
  ),
  l7: fc.oneof(
    fc.constant(null),
    fc.record({
      http: fc.record({
        code: fc.constantFrom(0, 200, 404),
        method: fc.constantFrom('GET', 'PUT'),
        url: fc.constantFrom('http://h/p', 'http://h/q?x=1'),
      }),
    }),
    fc.record({ dns: fc.record({ query: fc.constantFrom('a.b.', 'c.') }) }),
  ),
  source: fc.option(pod),
  destination: fc.option(pod),
  source_service: service,
  destination_service: service,
  source_names: fc.subarray(['n.example', 'example']),
  event_type: fc.option(fc.record({ type: fc.constantFrom(1, 4, 129), sub_type: fc.constantFrom(0, 3) })),
  node_name: fc.constantFrom('west/n1', 'west/n2', 'n1'),
  interface: fc.option(fc.record({ index: fc.constantFrom(1, 2), name: fc.constantFrom('lxc', 'eth') })),
});

/** Events that `age` pushes. */
export const agingEvents = 2;

/** Tells every flow to a reader and lets the turns pass after which the ring keeps in protobuf alone what it told. */
export async function age(observer: Observer): Promise<void> {
  const reader = observer.getFlows({});
  assert.ok(reader.ok);
  while (reader.value.next());
  for (let event = 0; event < agingEvents; event++) {
    observer.pushAgentEvent({ type: 1 });
    await nextTurn();
  }
}
