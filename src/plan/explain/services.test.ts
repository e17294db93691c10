import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOfManifests } from '../manifest-cluster.ts';
import { explain } from './explain.ts';
import type { Destination, Question } from './types.ts';

const pod = (name: string) => ({
  kind: 'Pod',
  metadata: { name, labels: { name } },
  spec: { containers: [{ name, ports: [{ name: 'web', containerPort: 8080 }] }] },
  status: { podIP: name === 'client' ? '10.128.0.10' : '10.128.0.11' },
});
const web = {
  kind: 'Service',
  metadata: { name: 'web' },
  spec: {
    type: 'NodePort',
    selector: { name: 'echo' },
    clusterIP: '10.96.0.80',
    ports: [{ port: 80, targetPort: 'web', nodePort: 30_080 }],
  },
};
const onlyHost = (host: string) => ({
  apiVersion: 'cilium.io/v2',
  kind: 'CiliumNetworkPolicy',
  metadata: { name: 'p' },
  spec: {
    endpointSelector: { matchLabels: { name: 'client' } },
    egress: [
      {
        toEndpoints: [{ matchLabels: { name: 'echo' } }],
        toPorts: [{ ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ host }] } }],
      },
    ],
  },
});

/** How the client names the Service, and the Host header that it then sends, which is the only one that policy allows. */
const ways: readonly (readonly [what: string, to: Destination, port: number | undefined, host: string])[] = [
  ['by its name', { kind: 'service', namespace: 'default', name: 'web' }, undefined, 'web'],
  ['by its address', { kind: 'address', address: '10.96.0.80' }, 80, '10\\.96\\.0\\.80'],
  ['by a port of the node', { kind: 'address', address: '172.30.0.1' }, 30_080, '172\\.30\\.0\\.1:30080'],
];

for (const [what, to, port, host] of ways) {
  test(`a Service ${what}: its backend is judged, the request names what the client called`, () => {
    const ask = (allowed: string) => {
      const http = { method: 'GET', path: '/', headers: {} };
      const from = { namespace: 'default', name: 'client' };
      const question: Question = { from, to, protocol: 'tcp', http, ...(port !== undefined && { port }) };
      const cluster = clusterOfManifests([pod('client'), pod('echo'), web, onlyHost(allowed)], 'default');
      const answer = explain(cluster, question);
      assert.ok(answer.ok, answer.ok ? '' : answer.error);
      return answer.value;
    };
    assert.deepEqual(
      ask(host).parts.map(({ title }) => title),
      ['backend default/echo:8080'],
    );
    assert.equal(ask(host).to, 'Service default/web:80/TCP');
    assert.deepEqual([ask(host).allowed, ask('other').allowed], [true, false]);
  });
}
