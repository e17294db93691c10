import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { createLogger, type Logger } from '../base/index.ts';
import { createCertificateAuthority } from '../cluster/apiserver/index.ts';
import type { Clock } from '../cluster/controllers/index.ts';
import {
  createHubbleClient,
  createObserver,
  createRelay,
  type GrpcServing,
  hubbleServerName,
  observerServices,
  openTlsFiles,
  readNodeTls,
  readRelayTls,
  serveGrpc,
  type TlsFiles,
} from '../hubble/index.ts';
import { toTimestamp } from '../model/flow/index.ts';
import { keepHubbleCertificates, nodeFiles, relayFiles, untilNextLookMs } from './hubble-certificates.ts';

const hour = 3_600_000;
const day = 24 * hour;
const directory = mkdtempSync(path.join(os.tmpdir(), 'hubble-certificates-test-'));
const cleanups: (() => unknown)[] = [() => rmSync(directory, { recursive: true, force: true })];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});
const authority = await createCertificateAuthority(path.join(directory, 'authority'));

test('certificates are looked at when the next one is due, at least once an hour, and never without a pause', () => {
  const cases: readonly [readonly number[], number][] = [
    [[], hour],
    [[1000 * day, 5 * day], hour],
    [[1000 * day, 100_000], 100_000],
    [[0, 1000 * day], 1000],
    [[-day], 1000],
  ];
  for (const [renewalTimes, expected] of cases) assert.equal(untilNextLookMs(0, renewalTimes), expected);
});

interface HandClock extends Clock {
  /** Runs what is due on the way, with time for what it begins. */
  readonly turnTo: (ms: number) => Promise<void>;
  readonly waiting: () => number;
}

function handClock(startMs: number): HandClock {
  let nowMs = startMs;
  const tasks = new Set<{ readonly dueMs: number; readonly task: () => void }>();
  return {
    now: () => nowMs,
    after(ms, task) {
      const entry = { dueMs: nowMs + ms, task };
      tasks.add(entry);
      return () => void tasks.delete(entry);
    },
    async turnTo(endMs) {
      for (;;) {
        const [next] = [...tasks].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
        if (!next) break;
        tasks.delete(next);
        nowMs = next.dueMs;
        next.task();
        while (tasks.size === 0) await sleep(1);
      }
      nowMs = endMs;
    },
    waiting: () => tasks.size,
  };
}

function logger(told: string[] = []): Logger {
  const log = createLogger('hubble-certificates-test');
  log.level = 'silent';
  const tell = (details: unknown, text: unknown): void => void told.push(`${text}: ${JSON.stringify(details)}`);
  return Object.assign(log, { info: tell, error: tell });
}

test('what fails keeps no other certificate back, is told, and is tried again', async () => {
  const home = { state: path.join(directory, 'failing') };
  const told: string[] = [];
  const clock = handClock(Date.parse('2024-01-01T00:00:00Z'));
  const options = { home, authority, nodes: ['n1', 'n2'], clock, lifetimeMs: 30 * hour, log: logger(told) };
  const kept = await keepHubbleCertificates(options);
  const folders = ['n1', 'n2'].map((node) => path.join(nodeFiles(home, node), 'var/lib/cilium/tls/hubble'));
  const certificates = (): string[] => folders.map((at) => readFileSync(path.join(at, 'server.crt'), 'utf8'));
  const first = certificates();
  await clock.turnTo(clock.now() + 10 * hour);
  assert.deepEqual(certificates(), first);
  assert.deepEqual(told, []);

  // A folder in the way of the file that is written first.
  const obstacle = path.join(folders[0] ?? '', 'server.key.new/in-the-way');
  mkdirSync(obstacle, { recursive: true });
  await clock.turnTo(clock.now() + 10 * hour);
  const second = certificates();
  assert.equal(second[0], first[0]);
  assert.notEqual(second[1], first[1]);
  assert.match(told.join('\n'), /cannot be renewed: .*agents\/n1\/.*server\.crt: /);

  rmSync(path.dirname(obstacle), { recursive: true });
  await clock.turnTo(clock.now() + 120_000);
  assert.notEqual(certificates()[0], first[0]);
  kept.stop();
  assert.equal(clock.waiting(), 0);
});

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const nodeName = 'ciliate/n1';
const tlsServerName = hubbleServerName(nodeName);
const anyPort = { host: '127.0.0.1', port: 0 };

/** A node's server and a relay to it, both with TLS from the files of a home, and a follower of the relay. */
async function startServers(home: { readonly state: string }) {
  const material = (files: TlsFiles, root: string): ReturnType<typeof openTlsFiles> =>
    openTlsFiles({
      files,
      locate: (file) => path.join(root, file),
      onFault: ({ message }) => assert.fail(message),
      onRead: () => {},
    });
  const nodeTls = readNodeTls({ 'hubble-disable-tls': 'false' });
  const relayTls = readRelayTls({ 'disable-server-tls': false });
  assert.ok(nodeTls.ok && nodeTls.value && relayTls.ok && relayTls.value.server);
  const observer = createObserver({ nodeName, version: 'v1', now });
  const peers = { list: () => [], subscribe: () => () => {} };
  const nodeMaterial = material(nodeTls.value, nodeFiles(home, 'n1'));
  const node = await serveGrpc(observerServices(observer, peers), anyPort, { kind: 'tls', material: nodeMaterial });
  const { server, client } = relayTls.value;
  const toNodes = { use: client.use, material: material(client.files, relayFiles(home)) };
  const relay = await createRelay({
    peers: () => [{ name: nodeName, address: `127.0.0.1:${node.port}`, tlsServerName }],
    tls: () => toNodes,
    nodeName: 'relay',
    version: 'v1',
    now,
  });
  const relayMaterial = material(server, relayFiles(home));
  const serving = await serveGrpc(relay.services, anyPort, { kind: 'tls', material: relayMaterial });
  const follower = await createHubbleClient({
    server: `127.0.0.1:${serving.port}`,
    tls: { authorities: Buffer.from(authority.certificate), serverName: relayName, allowInsecure: false },
  });
  cleanups.push(node.close, serving.close, relay.close, follower.close);
  await follower.connect();
  return { observer, node, serving, follower, relayShows: () => serialOf(toNodes.material()?.certificate) };
}

function serialOf(pem: Buffer | undefined): string {
  return new X509Certificate(pem ?? '').serialNumber;
}

const relayName = 'a.hubble-relay.cilium.io';

/** The serial number of the certificate that a server shows to who connects now. */
async function shown({ port }: GrpcServing, servername: string): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', servername, ca: authority.certificate, ALPNProtocols: ['h2'] });
  // A server that asks for a certificate ends the connection, after it has shown its own.
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

test('a follower streams on through a renewal, and who connects then is shown the new certificates', {
  timeout: 60_000,
}, async () => {
  const home = { state: path.join(directory, 'streaming') };
  // Both the certificates from before and those of now are valid today.
  const clock = handClock(Date.now() - 2.5 * day);
  const options = { home, authority, nodes: ['n1'], clock, lifetimeMs: 3 * day, log: logger() };
  const kept = await keepHubbleCertificates(options);
  const { observer, node, serving, follower, relayShows } = await startServers(home);
  let pushed = 0;
  const pushing = setInterval(() => {
    observer.push({ uuid: String(pushed++), time: toTimestamp(now()), node_name: nodeName });
  }, 5);
  const flows: string[] = [];
  const events: string[] = [];
  const stream = follower.getFlows({ follow: true, since: toTimestamp(0n) });
  const followed = (async (): Promise<void> => {
    for await (const { flow, node_status: status, lost_events: lost } of stream) {
      if (flow) flows.push(flow.uuid ?? '');
      else events.push(JSON.stringify(status ?? lost));
    }
  })();
  const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await holds())) await sleep(50);
  };
  await until(() => flows.length > 10);
  const nodeShowed = await shown(node, tlsServerName);
  const relayShowed = await shown(serving, relayName);
  const relayShowedNodes = relayShows();

  await clock.turnTo(Date.now());
  await until(async () => nodeShowed !== (await shown(node, tlsServerName)));
  await until(async () => relayShowed !== (await shown(serving, relayName)));
  await until(() => relayShowedNodes !== relayShows());
  // The relay looks at its list of nodes twice a second, and connects anew.
  await sleep(1500);
  const flowsThen = flows.length;
  await until(() => flows.length > flowsThen + 100);

  assert.equal((await follower.getNodes()).nodes?.[0]?.state, 1);
  clearInterval(pushing);
  await until(() => flows.length === pushed);
  assert.deepEqual(
    flows,
    Array.from({ length: pushed }, (_, index) => String(index)),
  );
  assert.equal(events.length, 1, events.join());
  stream.cancel();
  await followed;
  kept.stop();
});
