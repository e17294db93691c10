import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../base/testing/index.ts';
import { closeDescriptor, openSocketPair } from '../../sys/index.ts';
import { type TransportKind, useTransport } from './channels.ts';
import { takeArena } from './outbox.ts';
import { acceptedTransport, Transport, type TransportUser, uncounted } from './transport.ts';

class Recorder implements TransportUser {
  readonly events: string[] = [];
  bytes = Buffer.alloc(0);
  writable = 0;

  onBytes(bytes: Buffer, length: number): void {
    this.bytes = Buffer.concat([this.bytes, bytes.subarray(0, length)]);
  }
  onWritable(): void {
    this.writable++;
  }
  onRemoteEnd(): void {
    this.events.push('end');
  }
  onError(error: unknown): void {
    this.events.push(String((error as NodeJS.ErrnoException).code));
  }
  onClosed(): void {
    this.events.push('closed');
  }
}

interface Pair extends AsyncDisposable {
  readonly transport: Transport;
  readonly user: Recorder;
  readonly peer: net.Socket;
}

/** Only the ring may be missing: kernels before 6.1, containers and administrators refuse it. */
const missing = useTransport('ring') ? false : 'io_uring is not to be had here';
const skip = (mode: TransportKind): { readonly skip: string | false } => ({ skip: mode === 'ring' && missing });

async function acceptedPair(): Promise<Pair> {
  const user = new Recorder();
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const peer = net.connect({ port: (server.address() as net.AddressInfo).port, allowHalfOpen: true });
  peer.on('error', () => undefined);
  const [socket] = (await accepted) as [net.Socket];
  const transport = acceptedTransport(user, uncounted(), socket);
  return {
    transport,
    user,
    peer,
    [Symbol.asyncDispose]: async () => {
      transport.destroy();
      peer.destroy();
      server.close();
      await sleep(5);
    },
  };
}

function send(transport: Transport, text: Buffer | string): void {
  const bytes = Buffer.from(text);
  const arena = takeArena(bytes.length);
  bytes.copy(arena.bytes, arena.at);
  transport.send(arena, arena.at + bytes.length);
}

test('a limit of the operator lets less wait', async () => {
  useTransport('handles');
  const waiting = async (limit: number): Promise<number> => {
    await using pair = await acceptedPair();
    const { transport, peer } = pair;
    transport.limitBuffer(limit);
    peer.pause();
    for (let piece = 0; !transport.blocked; piece++) {
      send(transport, Buffer.alloc(10_000));
      await sleep(0);
      assert.ok(piece < 10_000);
    }
    return transport.unsent;
  };
  const limited = await waiting(20_000);
  assert.ok(limited >= 20_000 && limited < 100_000, `${limited} bytes wait`);
  assert.ok((await waiting(0)) >= 500_000);
});

for (const mode of ['ring', 'handles', 'streams'] as const) {
  test(`${mode}: bytes go both ways, and each side ends on its own`, skip(mode), async () => {
    assert.equal(useTransport(mode), true);
    await using pair = await acceptedPair();
    const { transport, user, peer } = pair;
    let got = '';
    peer.on('data', (bytes) => {
      got += bytes;
    });
    send(transport, 'one');
    send(transport, 'two');
    await until(() => got === 'onetwo');
    peer.end('three');
    await until(() => user.events.includes('end'));
    assert.equal(user.bytes.toString(), 'three');
    send(transport, 'four');
    transport.end();
    await once(peer, 'end');
    assert.equal(got, 'onetwofour');
    await until(() => user.events.includes('closed'));
    assert.deepEqual(user.events, ['end', 'closed']);
  });

  test(
    `${mode}: what a slow peer leaves waits unchanged, blocks, and is told of when it is gone`,
    skip(mode),
    async () => {
      useTransport(mode);
      await using pair = await acceptedPair();
      const { transport, user, peer } = pair;
      peer.pause();
      const pieces: Buffer[] = [];
      for (let piece = 0; !transport.blocked || piece < 100; piece++) {
        const bytes = Buffer.alloc(100_000, piece % 251);
        pieces.push(bytes);
        send(transport, bytes);
        assert.ok(piece < 10_000);
      }
      assert.equal(user.writable, 0);
      const whole = Buffer.concat(pieces);
      const read: Buffer[] = [];
      let length = 0;
      peer.on('data', (bytes) => {
        read.push(bytes);
        length += bytes.length;
      });
      peer.resume();
      await until(() => length === whole.length);
      assert.ok(Buffer.concat(read).equals(whole));
      await until(() => user.writable > 0);
      assert.equal(transport.blocked, false);
    },
  );

  test(`${mode}: a paused transport reads nothing`, skip(mode), async () => {
    useTransport(mode);
    await using pair = await acceptedPair();
    const { transport, user, peer } = pair;
    transport.pause();
    transport.pause();
    peer.write('later');
    await sleep(30);
    assert.equal(user.bytes.length, 0);
    transport.resume();
    transport.resume();
    await until(() => user.bytes.toString() === 'later');
  });

  test(`${mode}: a peer that resets while much waits closes the transport once`, skip(mode), async () => {
    useTransport(mode);
    await using pair = await acceptedPair();
    const { transport, user, peer } = pair;
    peer.pause();
    for (let piece = 0; piece < 100; piece++) send(transport, Buffer.alloc(100_000));
    peer.resetAndDestroy();
    await until(() => user.events.includes('closed'));
    send(transport, 'too late');
    await sleep(20);
    assert.deepEqual(
      user.events.filter((event) => event === 'closed'),
      ['closed'],
    );
  });

  test(`${mode}: told twice that it has connected, it closes as a whole`, skip(mode), async () => {
    useTransport(mode);
    await using pair = await acceptedPair();
    const { transport, user, peer } = pair;
    transport.connected();
    peer.write('read once');
    await until(() => user.bytes.toString() === 'read once');
    transport.destroy();
    await once(peer.resume(), 'end', { signal: AbortSignal.timeout(5_000) });
  });

  test(
    `${mode}: whose socket is gone neither writes to nor reads from another that got its descriptor`,
    skip(mode),
    async () => {
      useTransport(mode);
      await using pair = await acceptedPair();
      const { transport, user } = pair;
      const { fd } = (transport.socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
      transport.pause();
      await sleep(20);
      transport.socket.destroy();
      const [near, far] = openSocketPair();
      const other = new net.Socket({ fd: far });
      try {
        assert.ok(near === fd || far === fd, `${fd} was not given again: ${near}, ${far}`);
        let got = '';
        other.on('data', (bytes) => (got += bytes));
        send(transport, 'foreign');
        transport.resume();
        other.write('private');
        await sleep(50);
        assert.deepEqual([got, user.bytes.toString()], ['', '']);
      } finally {
        other.destroy();
        closeDescriptor(near);
      }
    },
  );

  test(`${mode}: destroying drops what waits`, skip(mode), async () => {
    useTransport(mode);
    await using pair = await acceptedPair();
    const { transport, user, peer } = pair;
    peer.pause();
    for (let piece = 0; piece < 100; piece++) send(transport, Buffer.alloc(100_000));
    transport.destroy();
    await until(() => user.events.includes('closed'));
    assert.deepEqual(user.events, ['closed']);
  });

  test(`${mode}: a connecting socket is written to once it has connected`, skip(mode), async () => {
    useTransport(mode);
    const server = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const user = new Recorder();
    const transport = new Transport(user, uncounted(), (onread) => {
      const socket = new net.Socket({ onread } as net.SocketConstructorOpts);
      return socket.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    });
    await once(transport.socket, 'connect');
    transport.connected();
    send(transport, 'echo');
    await until(() => user.bytes.toString() === 'echo');
    transport.destroy();
    server.close();
  });
}

for (const mode of ['ring', 'handles'] as const) {
  test(`${mode}: after connections that broke, new ones read what is theirs`, skip(mode), async () => {
    useTransport(mode);
    const broken = await Promise.all(Array.from({ length: 8 }, acceptedPair));
    await sleep(20);
    for (const { peer } of broken) peer.resetAndDestroy();
    await until(() => broken.every(({ user }) => user.events.includes('closed')));
    assert.ok(broken.every(({ user }) => user.events.includes('ECONNRESET')));
    const pairs = await Promise.all(Array.from({ length: 16 }, acceptedPair));
    for (const [at, { peer }] of pairs.entries()) peer.write(`text ${at}`);
    await until(() => pairs.every(({ user }, at) => user.bytes.toString() === `text ${at}`));
    for (const pair of [...broken, ...pairs]) await pair[Symbol.asyncDispose]();
  });

  test(`${mode}: a connection may end its neighbours inside of a read`, skip(mode), async () => {
    useTransport(mode);
    const pairs = await Promise.all(Array.from({ length: 8 }, acceptedPair));
    for (const { user } of pairs) {
      user.onBytes = () => {
        for (const { transport } of pairs) transport.destroy();
      };
    }
    for (const { peer } of pairs) peer.write('all at once');
    await until(() => pairs.every(({ user }) => user.events.includes('closed')));
    for (const pair of pairs) await pair[Symbol.asyncDispose]();
  });

  test(`${mode}: more than all buffers hold arrives in order on many connections at once`, skip(mode), async () => {
    useTransport(mode);
    const pairs = await Promise.all(Array.from({ length: 12 }, acceptedPair));
    const sent = pairs.map((_, at) => Buffer.alloc(700_000, `connection ${at} `));
    for (const [at, { peer }] of pairs.entries()) peer.write(sent[at] as Buffer);
    for (let turn = 0; turn < 10; turn++) {
      const { transport } = pairs[turn % pairs.length] as Pair;
      transport.pause();
      await sleep(1);
      transport.resume();
    }
    await until(() => pairs.every(({ user }, at) => user.bytes.length === sent[at]?.length));
    for (const [at, { user }] of pairs.entries()) assert.ok(user.bytes.equals(sent[at] as Buffer));
    for (const pair of pairs) await pair[Symbol.asyncDispose]();
  });
}

test.after(() => useTransport('streams'));
