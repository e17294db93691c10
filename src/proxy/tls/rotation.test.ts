import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import tls from 'node:tls';
import { createLogger } from '../../base/index.ts';
import type { XdsServer } from '../../xds/index.ts';
import { startProxy } from '../index.ts';
import { authority, client, otherAuthority, second, server, type TestCertificate } from '../testing/certificates.ts';
import { ADS, adsBootstrap, planeConnected, startControlPlane } from '../testing/control-plane.ts';
import {
  freePort,
  HTTP_OPTIONS,
  type Json,
  OK_RESPONSE,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../testing/harness.ts';
import { inline, pair, socketOf, tlsListener } from '../testing/tls.ts';

/** Rotations of all secrets, each under new connections all the time. */
const ROTATIONS = 8;
const CLIENTS = 4;

/** Whose certificates were shown in one request over a new connection. */
interface Shown {
  /** Common name of the listener's certificate. */
  readonly listener: string;
  readonly answer: string;
}

/** Rejects where the handshake or the request fails. */
async function ask(port: number, target = '/'): Promise<Shown> {
  const { certificate: cert, key } = client;
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    ca: authority,
    cert,
    key,
    checkServerIdentity: () => undefined,
  });
  try {
    return await new Promise<Shown>((resolve, reject) => {
      let answer = '';
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`ended after ${JSON.stringify(answer)}`)));
      socket.on('secureConnect', () => {
        const listener = String(socket.getPeerCertificate().subject.CN);
        socket.on('data', (bytes) => {
          answer += bytes.toString('latin1');
          if (answer.endsWith('ok')) resolve({ listener, answer });
        });
        socket.write(`GET ${target} HTTP/1.1\r\nhost: a.test\r\n\r\n`);
      });
    });
  } finally {
    socket.destroy();
  }
}

/** Clients that come again and again until they are stopped. */
function load(
  t: TestContext,
  port: number,
): { stop(): Promise<{ readonly done: number; readonly failures: readonly string[] }> } {
  let going = true;
  let done = 0;
  const failures: string[] = [];
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (going) {
      try {
        const { answer } = await ask(port);
        if (!answer.startsWith('HTTP/1.1 200')) failures.push(answer);
      } catch (error) {
        failures.push(String(error));
      }
      done++;
    }
  });
  const end = (): void => {
    going = false;
  };
  t.after(end);
  return {
    stop: async () => {
      end();
      await Promise.all(clients);
      return { done, failures };
    },
  };
}

/** A host that asks for certificates of the authority and keeps the names in them by the targets of requests. */
async function startHost(t: TestContext): Promise<{ readonly port: number; readonly names: Map<string, string> }> {
  const names = new Map<string, string>();
  const { certificate: cert, key } = server;
  const host = tls.createServer({ cert, key, ca: authority, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      names.set(bytes.toString('latin1').split(' ')[1] ?? '', String(socket.getPeerCertificate().subject?.CN));
      socket.write(OK_RESPONSE);
    });
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  t.after(() => host.close());
  return { port: (host.address() as net.AddressInfo).port, names };
}

const oneRequestEach = {
  typed_extension_protocol_options: {
    [HTTP_OPTIONS]: {
      '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
      explicit_http_config: { http_protocol_options: {} },
      common_http_protocol_options: { max_requests_per_connection: 1 },
    },
  },
};
const toHost = routes([{ match: { prefix: '/' }, route: { cluster: 'host' } }]);
const secretOf = (name: string): Json => ({ name, sds_config: ADS });

/** What is in force in one round: every other one has other certificates, and authorities that trust more. */
function secretsOf(round: number): ReadonlyMap<string, Json> {
  const odd = round % 2 === 1;
  const trusted = inline(odd ? otherAuthority + authority : authority);
  const certificate = (one: TestCertificate): Json => ({ tls_certificate: pair(one) });
  const all: Record<string, Json> = {
    'of-listener': certificate(odd ? second : server),
    'of-clients': { validation_context: { trusted_ca: trusted } },
    'of-cluster': certificate(odd ? client : second),
    'of-hosts': { validation_context: { trusted_ca: trusted } },
  };
  return new Map(Object.entries(all).map(([name, secret]) => [name, { name, ...secret }]));
}

for (const form of ['GRPC', 'DELTA_GRPC'] as const) {
  test(`secrets of both sides change under load (${form}): no handshake fails, and the next ones go by the new ones`, async (t) => {
    const plane = await startControlPlane();
    t.after(() => plane.close());
    const host = await startHost(t);
    const proxy = await startProxy({ bootstrap: adsBootstrap(plane.socket, form), log: createLogger('proxy-test') });
    t.after(() => proxy.stop(0));
    await planeConnected(plane);
    const port = await freePort();
    const listener = tlsListener(
      {
        require_client_certificate: true,
        common_tls_context: {
          tls_certificate_sds_secret_configs: [secretOf('of-listener')],
          validation_context_sds_secret_config: secretOf('of-clients'),
        },
      },
      toHost,
      { address: { socket_address: { address: '127.0.0.1', port_value: port } } },
    );
    const cluster = staticCluster('host', [host.port], {
      ...oneRequestEach,
      transport_socket: socketOf('Upstream', {
        sni: 'a.test',
        common_tls_context: {
          tls_certificate_sds_secret_configs: [secretOf('of-cluster')],
          validation_context_sds_secret_config: secretOf('of-hosts'),
        },
      }),
    });
    const rotate = async (round: number): Promise<void> => {
      const resources = {
        listeners: new Map([['l', listener]]),
        routes: new Map(),
        clusters: new Map([['host', cluster]]),
        endpoints: new Map(),
        secrets: secretsOf(round),
        extensionConfigs: new Map(),
      };
      const outcome = await plane.xds.publish(resources as unknown as Parameters<XdsServer['publish']>[0]);
      assert.deepEqual(outcome, { state: 'accepted', rejections: [] });
    };
    await rotate(0);
    const clients = load(t, port);
    for (let round = 1; round <= ROTATIONS; round++) {
      await rotate(round);
      const odd = round % 2 === 1;
      assert.equal((await ask(port, `/${round}`)).listener, odd ? 'second' : 'server');
      assert.equal(host.names.get(`/${round}`), odd ? 'client' : 'second');
    }
    const { done, failures } = await clients.stop();
    assert.deepEqual(failures, []);
    assert.ok(done >= ROTATIONS, `${done} connections`);
  });
}

test('files of a secret are moved under load: no handshake fails, and the new certificate is shown', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'rotation-'));
  const put = async (name: string, text: string): Promise<void> => {
    await writeFile(path.join(folder, `.${name}`), text);
    await rename(path.join(folder, `.${name}`), path.join(folder, name));
  };
  const show = async ({ certificate, key }: TestCertificate): Promise<void> => {
    await put('tls.crt', certificate);
    await put('tls.key', key);
    await put('moved/now', '');
  };
  await mkdir(path.join(folder, 'moved'));
  await mkdir(path.join(folder, '.moved'));
  await show(server);
  const secret = {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    name: 'own',
    tls_certificate: {
      certificate_chain: { filename: `${folder}/tls.crt` },
      private_key: { filename: `${folder}/tls.key` },
      watched_directory: { path: `${folder}/moved` },
    },
  };
  await put('sds.json', JSON.stringify({ resources: [secret] }));
  const backend = await startBackend();
  t.after(() => backend.close());
  const context = {
    common_tls_context: {
      tls_certificate_sds_secret_configs: [
        { name: 'own', sds_config: { path_config_source: { path: `${folder}/sds.json` }, resource_api_version: 'V3' } },
      ],
    },
  };
  const proxy = await runProxy(tlsListener(context, toHost), [staticCluster('host', [backend.port])]);
  await proxy.live();
  t.after(async () => {
    await proxy.stop(0);
    await rm(folder, { recursive: true, force: true });
  });
  const clients = load(t, proxy.port);
  for (let round = 1; round <= ROTATIONS; round++) {
    const [one, name] = round % 2 === 1 ? ([second, 'second'] as const) : ([server, 'server'] as const);
    await show(one);
    // Nobody says when the files have been read.
    while ((await ask(proxy.port)).listener !== name);
  }
  const { done, failures } = await clients.stop();
  assert.deepEqual(failures, []);
  assert.ok(done >= ROTATIONS, `${done} connections`);
});
