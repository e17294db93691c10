import type { FlowLookups } from '../../src/hubble/index.ts';
import type { Endpoint, HttpEvent, PacketEvent } from '../../src/model/flow/index.ts';

const pods = 200;
const paths = ['/', '/api/v1/orders', '/api/v1/users/42', '/healthz', '/static/app.js'];

/** What an agent knows of 200 pods of 20 workloads on two nodes, which is what names and labels the flows. */
export function benchLookups(nodeName: string): FlowLookups {
  const endpoints = new Map(Array.from({ length: pods }, (_, number) => [addressOf(number), endpointOf(number)]));
  return {
    nodeName,
    endpoint: (address) => endpoints.get(address),
    service: () => undefined,
    names: () => [],
    policyRevision: 7,
    rule: () => undefined,
    closing: () => [],
  };
}

function addressOf(number: number): string {
  return `10.244.${1 + (number & 1)}.${2 + (number >> 1)}`;
}

function endpointOf(number: number): Endpoint {
  const app = `app-${number % 20}`;
  return {
    ID: 1000 + number,
    identity: 30_000 + (number % 20),
    cluster_name: 'ciliate',
    namespace: 'shop',
    labels: [
      'k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=shop',
      'k8s:io.cilium.k8s.policy.cluster=ciliate',
      `k8s:io.cilium.k8s.policy.serviceaccount=${app}`,
      'k8s:io.kubernetes.pod.namespace=shop',
      `k8s:name=${app}`,
    ],
    pod_name: `${app}-7c6d5f9b8-${String(number).padStart(5, '0')}`,
    workloads: [{ name: app, kind: 'Deployment' }],
  };
}

/** The packet that opens or carries connection number so many; nothing in it is random. */
export function packetEvent(number: number, timeNs: bigint): PacketEvent {
  return {
    kind: 'trace',
    timeNs,
    packet: tcpPacket(number),
    point: 'to-endpoint',
    connection: 'new',
    reply: false,
    direction: 'ingress',
  };
}

/** Request number so many: one in 47 is refused. */
export function httpEvent(number: number, timeNs: bigint): HttpEvent {
  return {
    kind: 'http',
    way: { listener: 'cilium-http-egress' },
    direction: 'egress',
    startNs: timeNs,
    latencyNs: 2_400_000n,
    source: { address: addressOf(number % pods), port: 30_000 + (number % 20_000) },
    destination: { address: addressOf((number * 7 + 1) % pods), port: 8080 },
    method: number % 9 === 0 ? 'POST' : 'GET',
    url: `http://app-${(number * 7 + 1) % 20}:8080${paths[number % paths.length]}?q=${number}`,
    protocol: 'HTTP/1.1',
    requestHeaders: [
      { key: 'User-Agent', value: 'curl/8.5.0' },
      { key: 'X-Request-Id', value: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` },
    ],
    responseHeaders: [],
    status: 200,
    verdicts: { egress: { denied: number % 47 === 0, rules: [] } },
  };
}

function tcpPacket(number: number): Uint8Array {
  const bytes = new Uint8Array(40);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, bytes.length);
  view.setUint8(8, 64);
  view.setUint8(9, 6);
  bytes.set(
    addressOf(number % pods)
      .split('.')
      .map(Number),
    12,
  );
  bytes.set(
    addressOf((number * 7 + 1) % pods)
      .split('.')
      .map(Number),
    16,
  );
  view.setUint16(20, 30_000 + (number % 20_000));
  view.setUint16(22, 8080);
  view.setUint8(32, 5 << 4);
  view.setUint8(33, 2);
  return bytes;
}
