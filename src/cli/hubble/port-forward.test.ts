import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { after, test } from 'node:test';
import { createLogger, issueCertificate } from '../../base/index.ts';
import { createApiServer, createCertificateAuthority, kubeconfig, openStore } from '../../cluster/apiserver/index.ts';
import { createObserver, observerServices, serveGrpc } from '../../hubble/index.ts';
import { toTimestamp } from '../../model/flow/index.ts';
import { hubbleCommand } from './index.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'hubble-forward-test-'));
const cleanups: (() => Promise<void> | void)[] = [() => rmSync(directory, { recursive: true })];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

const observer = createObserver({ nodeName: 'n', version: 'v1', now: () => BigInt(Date.now()) * 1_000_000n });
for (let count = 1; count <= 500; count++) observer.push({ uuid: String(count), time: toTimestamp(BigInt(count)) });
const relay = await serveGrpc(observerServices(observer, { list: () => [], subscribe: () => () => {} }), {
  host: '127.0.0.1',
  port: 0,
});
cleanups.push(() => relay.close());

const unused = async (): Promise<never> => {
  throw new Error('not asked for');
};
const asked: string[] = [];
const authority = await createCertificateAuthority(directory);
const tls = await issueCertificate(authority, { commonName: 'api', usage: 'server', ipAddresses: ['127.0.0.1'] });
const user = await issueCertificate(authority, {
  commonName: 'admin',
  organizations: ['system:masters'],
  usage: 'client',
});
const store = openStore({ directory });
const api = createApiServer({
  store,
  runtime: {
    logs: async function* () {},
    exec: unused,
    // Pods are this machine, and their port of Relay is Relay's.
    async connect({ pod }, port) {
      asked.push(`${pod}:${port}`);
      if (port !== 4245) throw new Error('connection refused');
      return net.connect(relay.port, '127.0.0.1');
    },
  },
  tls: { ...tls, clientAuthority: authority.certificate },
  log: createLogger('test'),
});
const { port } = await api.listenOn({ host: '127.0.0.1', port: 0 });
cleanups.push(
  () => store.close(),
  () => api.close(),
);
const config = path.join(directory, 'kubeconfig');
writeFileSync(config, kubeconfig({ name: 'test', server: `https://127.0.0.1:${port}`, authority, client: user }));
for (const name of ['kube-system', 'other'])
  store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function createService(namespace: string, targetPort: number | string): void {
  const metadata = { name: 'hubble-relay', namespace };
  const spec = { selector: { app: 'relay' }, ports: [{ port: 80, targetPort }] };
  store.create('services', { apiVersion: 'v1', kind: 'Service', metadata, spec });
}

function createPod(namespace: string, name: string, ready: boolean): void {
  const ports = [{ name: 'grpc', containerPort: 4245 }];
  store.create('pods', {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: 'relay' } },
    spec: { containers: [{ name: 'relay', image: 'relay', ports }] },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
}

async function run(words: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const texts = { out: '', err: '' };
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk);
        done();
      },
    });
  const io = {
    stdin: Readable.from(['']),
    stdout: into('out'),
    stderr: into('err'),
    environment: { HOME: directory, KUBECONFIG: config, CILIATE_HOME: path.join(directory, 'none') },
  };
  return { code: await hubbleCommand(words.split(' '), io), ...texts };
}

test('what keeps the port from being forwarded is told', async () => {
  const taken = net.createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => void taken.close());
  const takenPort = (taken.address() as net.AddressInfo).port;
  const expectFault = async (flags: string, expected: string | RegExp): Promise<void> => {
    const { code, err } = await run(`status -P ${flags}`.trim());
    assert.equal(code, 1, flags);
    if (typeof expected === 'string') assert.equal(err, `${expected}\n`);
    else assert.match(err, expected);
  };
  await expectFault(
    '',
    /^failed to port forward: failed to get service "hubble-relay": .*services "hubble-relay" not found/,
  );
  createService('kube-system', 'grpc');
  const none = 'failed to port forward: failed to get service "hubble-relay": no pods found for service: hubble-relay';
  await expectFault('', none);
  createPod('kube-system', 'away', false);
  createPod('kube-system', 'there', true);
  const unlistened = `failed to port forward: unable to listen on port ${takenPort}: address already in use; choose another with --port-forward-port`;
  await expectFault(`--port-forward-port ${takenPort}`, unlistened);
  await expectFault(
    '--kube-context nope',
    /^failed to create k8s port forwader: current-context: "nope" is not defined/,
  );
  await expectFault('--kubeconfig /nope', /^failed to create k8s port forwader: cannot read kubeconfig \/nope/);
  await expectFault('--port-forward-port 70000', /value=70000 .*allowed: 0 to 65535$/m);
  createService('other', 9);
  createPod('other', 'deaf', true);
  await expectFault(
    '--kube-namespace other --port-forward-port 0 --timeout 3s',
    /^failed to connect to '127\.0\.0\.1:/,
  );
});

test('flows come through the API server from a ready pod', async () => {
  const status = await run('status -P --port-forward-port 0');
  assert.match(status.out, /^Healthcheck \(via 127\.0\.0\.1:\d+\): Ok$/m, status.err);
  assert.deepEqual([...new Set(asked)].sort(), ['deaf:9', 'there:4245']);
  const flows = await run('observe -P --port-forward-port 0 --last 400 -o jsonpb --kube-context test');
  assert.equal(flows.out.split('\n').filter((line) => line.includes('"uuid"')).length, 400, flows.err);
});
