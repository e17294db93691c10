import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import {
  authority,
  client,
  expired,
  otherAuthority,
  rsa,
  second,
  server,
  stranger,
  type TestCertificate,
} from '../testing/certificates.ts';
import { httpListener, type Json, routes, runProxy, startBackend, staticCluster } from '../testing/harness.ts';
import { ask, inline, pair, socketOf, tlsListener } from '../testing/tls.ts';
import { decryptWithSockets } from './server-context.ts';

const toEcho = routes([{ match: { prefix: '/' }, route: { cluster: 'echo' } }]);

const status = (answer: string): string => answer.slice(0, answer.indexOf('\r\n')) || answer;

test('a listener decrypts, tells the backend https and counts the handshake', async () => {
  const echo = await startBackend();
  const proxy = await runProxy(tlsListener({ common_tls_context: { tls_certificates: [pair(server)] } }, toEcho), [
    staticCluster('echo', [echo.port]),
  ]);
  try {
    assert.equal(status(await ask(proxy.port)), 'HTTP/1.1 200 OK');
    assert.match(echo.heads[0] ?? '', /x-forwarded-proto: https/);
  } finally {
    await proxy.stop(0);
    await echo.close();
  }
});

test('large bodies go both ways over an encrypted connection, also where the client is slow', async () => {
  const size = 6_000_000;
  const body = 'x'.repeat(size);
  const echo = await startBackend(
    (_head, _socket, sent) => `HTTP/1.1 200 OK\r\ncontent-length: ${sent.length}\r\n\r\n${sent}`,
  );
  const proxy = await runProxy(tlsListener({ common_tls_context: { tls_certificates: [pair(server)] } }, toEcho), [
    staticCluster('echo', [echo.port]),
  ]);
  try {
    const socket = tls.connect({ port: proxy.port, host: '127.0.0.1', ca: authority, servername: 'a.test' });
    await once(socket, 'secureConnect');
    socket.write(`POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${size}\r\n\r\n`);
    socket.write(body);
    let received = 0;
    let head = '';
    for await (const piece of socket as AsyncIterable<Buffer>) {
      received += piece.length;
      if (head.length < 2000) head += piece.toString('latin1').slice(0, 2000);
      if (received < 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
      if (received >= size + head.indexOf('\r\n\r\n') + 4) break;
    }
    assert.match(head, /^HTTP\/1.1 200/);
    socket.destroy();
  } finally {
    await proxy.stop(0);
    await echo.close();
  }
});

test('clients without a certificate, or with one that is worth nothing, are refused; others are let in', async () => {
  const echo = await startBackend();
  const context = {
    require_client_certificate: true,
    common_tls_context: {
      tls_certificates: [pair(server)],
      validation_context: {
        trusted_ca: inline(authority),
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: 'spiffe://mesh.test/' } }],
      },
    },
  };
  const proxy = await runProxy(tlsListener(context, toEcho), [staticCluster('echo', [echo.port])]);
  const as = ({ certificate, key }: TestCertificate): Promise<string> => ask(proxy.port, { cert: certificate, key });
  try {
    assert.equal(status(await as(client)), 'HTTP/1.1 200 OK');
    for (const one of [stranger, expired, server]) assert.doesNotMatch(await as(one), /^HTTP/);
    assert.doesNotMatch(await ask(proxy.port), /^HTTP/);
    assert.equal(echo.heads.length, 1);
  } finally {
    await proxy.stop(0);
    await echo.close();
  }
});

test('what clients and listener have in common is the protocol, and nothing where they have nothing in common', async () => {
  const echo = await startBackend();
  const context = { common_tls_context: { tls_certificates: [pair(server)], alpn_protocols: ['h2', 'http/1.1'] } };
  const proxy = await runProxy(tlsListener(context, toEcho), [staticCluster('echo', [echo.port])]);
  const agreed = async (protocols: string[]): Promise<string | false> => {
    const socket = tls.connect({
      port: proxy.port,
      host: '127.0.0.1',
      ca: authority,
      servername: 'a.test',
      ALPNProtocols: protocols,
    });
    await once(socket, 'secureConnect');
    const { alpnProtocol } = socket;
    socket.destroy();
    return alpnProtocol as string | false;
  };
  try {
    assert.equal(await agreed(['http/1.1', 'h2']), 'h2');
    assert.equal(await agreed(['http/1.1']), 'http/1.1');
    assert.equal(await agreed(['foo']), false);
  } finally {
    await proxy.stop(0);
    await echo.close();
  }
});

test('the certificate is chosen by the name that the client asks for, and by what keys it can do', async () => {
  const proxy = await runProxy(
    tlsListener({ common_tls_context: { tls_certificates: [pair(server), pair(second), pair(rsa)] } }, toEcho),
    [staticCluster('echo', [])],
  );
  const shown = async (servername: string, sigalgs?: string): Promise<string> => {
    const socket = tls.connect({
      port: proxy.port,
      host: '127.0.0.1',
      servername,
      rejectUnauthorized: false,
      ...(sigalgs ? { sigalgs } : {}),
    });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return String(subject.CN);
  };
  try {
    assert.equal(await shown('a.test'), 'server');
    assert.equal(await shown('c.test'), 'second');
    assert.equal(await shown('x.b.test'), 'server');
    assert.equal(await shown('nobody.test'), 'server');
    assert.equal(await shown('a.test', 'rsa_pss_rsae_sha256'), 'rsa');
  } finally {
    await proxy.stop(0);
  }
});

test('sessions go on where they stood', async () => {
  const proxy = await runProxy(tlsListener({ common_tls_context: { tls_certificates: [pair(server)] } }, toEcho), [
    staticCluster('echo', []),
  ]);
  try {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { port: proxy.port, host: '127.0.0.1', ca: authority, servername: 'a.test', maxVersion: version };
      const first = tls.connect(options);
      const session = (await once(first, 'session'))[0] as Buffer;
      first.destroy();
      const again = tls.connect({ ...options, session });
      await once(again, 'secureConnect');
      assert.ok(again.isSessionReused(), version);
      again.destroy();
    }
  } finally {
    await proxy.stop(0);
  }
});

test('who speaks no TLS, goes away or says nothing is let go of', async () => {
  const proxy = await runProxy(
    { ...tlsListener({ common_tls_context: { tls_certificates: [pair(server)] } }, toEcho) },
    [staticCluster('echo', [])],
  );
  try {
    for (const sent of ['GET / HTTP/1.1\r\nhost: a\r\n\r\n', '\x16\x03\x01\x00\x05hello', '']) {
      const socket = net.connect(proxy.port, '127.0.0.1');
      socket.on('error', () => undefined);
      if (sent === '') socket.end();
      else socket.write(sent, 'latin1');
      await once(socket.resume(), 'close');
    }
  } finally {
    await proxy.stop(0);
  }
});

/** A backend that speaks TLS. */
async function tlsBackend(
  own: TestCertificate,
  options: tls.TlsOptions = {},
): Promise<{ port: number; names: unknown[]; heads: string[]; reused: boolean[]; close(): void }> {
  const names: unknown[] = [];
  const heads: string[] = [];
  const reused: boolean[] = [];
  const backend = tls.createServer({ cert: own.certificate, key: own.key, ...options }, (socket) => {
    names.push((socket as unknown as { servername: unknown }).servername);
    reused.push(socket.isSessionReused());
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      heads.push(bytes.toString('latin1'));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
  });
  backend.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  return { port: (backend.address() as net.AddressInfo).port, names, heads, reused, close: () => backend.close() };
}

const plainListener = httpListener('l', toEcho);
async function get(port: number, host = 'a.test'): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  let text = '';
  for await (const piece of socket as AsyncIterable<Buffer>) text += piece.toString('latin1');
  return text;
}

test('a cluster encrypts, verifies the host and shows its own certificate', async () => {
  const backend = await tlsBackend(server, { ca: authority, requestCert: true, rejectUnauthorized: true });
  const good = {
    sni: 'a.test',
    common_tls_context: {
      tls_certificates: [pair(client)],
      validation_context: {
        trusted_ca: inline(authority),
        match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'y.b.test' } }],
      },
    },
  };
  const cluster = (context: Json): Json =>
    staticCluster('echo', [backend.port], { transport_socket: socketOf('Upstream', context) });
  const bad: Json[] = [
    {
      common_tls_context: {
        tls_certificates: [pair(client)],
        validation_context: { trusted_ca: inline(otherAuthority) },
      },
    },
    {
      ...good,
      common_tls_context: {
        ...good.common_tls_context,
        validation_context: {
          trusted_ca: inline(authority),
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'other.test' } }],
        },
      },
    },
    { common_tls_context: { tls_certificates: [pair(stranger)] } },
  ];
  try {
    const proxy = await runProxy(plainListener, [cluster(good)]);
    assert.match(await get(proxy.port), /^HTTP\/1.1 200/);
    assert.deepEqual(backend.names, ['a.test']);
    await proxy.stop(0);
    for (const context of bad) {
      const other = await runProxy(plainListener, [cluster(context)]);
      assert.match(await get(other.port), /^HTTP\/1.1 503/);
      await other.stop(0);
    }
    assert.equal(backend.heads.length, 1);
  } finally {
    backend.close();
  }
});

test('the name may be that of the request, and sessions go on', async () => {
  const backend = await tlsBackend(server);
  const options = {
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
        explicit_http_config: { http_protocol_options: {} },
        common_http_protocol_options: { max_requests_per_connection: 1 },
        upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true },
      },
    },
  };
  const validation = { common_tls_context: { validation_context: { trusted_ca: inline(authority) } } };
  const proxy = await runProxy(plainListener, [
    staticCluster('echo', [backend.port], { transport_socket: socketOf('Upstream', validation), ...options }),
  ]);
  try {
    assert.match(await get(proxy.port, 'a.test:80'), /^HTTP\/1.1 200/);
    assert.match(await get(proxy.port, 'z.b.test'), /^HTTP\/1.1 200/);
    assert.deepEqual(backend.names.slice(0, 2), ['a.test', 'z.b.test']);
    assert.match(await get(proxy.port, 'a.test:81'), /^HTTP\/1.1 200/);
    assert.deepEqual(backend.reused, [false, false, true]);
    assert.match(await get(proxy.port, 'c.test'), /^HTTP\/1.1 503/);
    assert.equal(backend.heads.length, 3);
  } finally {
    await proxy.stop(0);
    backend.close();
  }
});

/** Sends a body and gets it back, in as many pieces as it takes. */
async function echoed(port: number, body: string): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority, servername: 'a.test' });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  const half = body.length >> 1;
  socket.write(`POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`);
  socket.write(body.slice(0, half));
  setImmediate(() => socket.write(body.slice(half)));
  let text = '';
  for await (const piece of socket as AsyncIterable<Buffer>) text += piece.toString('latin1');
  return text.slice(text.indexOf('\r\n\r\n') + 4);
}

const inTurn = async (work: (port: number) => Promise<void>): Promise<void> => {
  const echo = await startBackend(
    (_head, _socket, sent) => `HTTP/1.1 200 OK\r\ncontent-length: ${sent.length}\r\n\r\n${sent}`,
  );
  const proxy = await runProxy(tlsListener({ common_tls_context: { tls_certificates: [pair(server)] } }, toEcho), [
    staticCluster('echo', [echo.port]),
  ]);
  try {
    await work(proxy.port);
  } finally {
    await proxy.stop(0);
    await echo.close();
  }
};

test('connections that share memory keep their bytes apart, also where one of them breaks', async () => {
  await inTurn(async (port) => {
    const broken = net.connect(port, '127.0.0.1');
    broken.on('error', () => undefined);
    const secure = tls.connect({ socket: broken, ca: authority, servername: 'a.test' });
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect');
    const bodies = Array.from({ length: 24 }, (_, at) => String.fromCharCode(97 + at).repeat(5_000 * (at + 1)));
    const answers = Promise.all(bodies.map((body) => echoed(port, body)));
    const gone = once(broken, 'close');
    // A record of the right form that no key of the connection made.
    broken.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 64]), Buffer.alloc(64, 7)]));
    await gone;
    assert.ok((await answers).every((answer, at) => answer === bodies[at]));
  });
});

test('what the client says last, its own end included, is heard and answered with the end', async () => {
  await inTurn(async (port) => {
    const socket = tls.connect({ port, host: '127.0.0.1', ca: authority, servername: 'a.test' });
    await once(socket, 'secureConnect');
    socket.end();
    await once(socket.resume(), 'close');
  });
});

test('where the process shows no OpenSSL sockets of Node decrypt', async () => {
  decryptWithSockets();
  await inTurn(async (port) => {
    assert.equal(await echoed(port, 'x'.repeat(100_000)), 'x'.repeat(100_000));
  });
});
