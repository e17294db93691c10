import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { createLogger } from '../../base/index.ts';
import type { PacketEvent } from '../../model/flow/index.ts';
import type { DatapathPlan } from '../../plan/index.ts';
import { makeListenerTransparent, openTransparentSocket } from '../../sys/index.ts';
import { trackedConnections } from '../connections.ts';
import { createDatapath } from '../datapath.ts';
import { answerMs } from './waits.ts';

/** A packet event as the test reads it. */
export type WireEvent = Omit<PacketEvent, 'timeNs' | 'packet'> & {
  readonly from: string;
  readonly to: string;
  readonly flags: string;
  readonly time: string;
};

export type NodeCommand =
  | { readonly do: 'apply'; readonly plan: DatapathPlan }
  | { readonly do: 'listen'; readonly port: number }
  | { readonly do: 'close'; readonly port: number }
  | { readonly do: 'remove-table' }
  | { readonly do: 'connections'; readonly source: string }
  | { readonly do: 'connect'; readonly address: string; readonly port: number; readonly timeoutMs?: number };

export type NodeAnswer = { readonly ok: boolean; readonly text: string; readonly milliseconds?: number };

const datapath = createDatapath({ log: createLogger('datapath-test'), onPacket: report });
const proxies = new Map<number, net.Server>();
const started = await datapath.start();
process.send?.({ ready: started });
process.on('disconnect', () => process.exit(0));
process.on('message', ({ id, command }: { id: number; command: NodeCommand }) => {
  void run(command).then((answer) => process.send?.({ id, answer }));
});

async function run(command: NodeCommand): Promise<NodeAnswer> {
  switch (command.do) {
    case 'apply': {
      const done = await datapath.apply(command.plan);
      if (!done.ok) return { ok: false, text: JSON.stringify(done.error) };
      return { ok: true, text: JSON.stringify(done.value), milliseconds: done.value.milliseconds };
    }
    case 'listen':
      await listen(command.port);
      return { ok: true, text: '' };
    case 'close':
      proxies.get(command.port)?.close();
      return { ok: true, text: '' };
    case 'remove-table':
      execFileSync('nft', ['delete', 'table', 'inet', 'ciliate']);
      return { ok: true, text: '' };
    case 'connections': {
      const pairs = await trackedConnections((source) => source === command.source);
      return pairs.ok ? { ok: true, text: [...pairs.value].sort().join() } : { ok: false, text: pairs.error };
    }
    case 'connect':
      return { ok: true, text: await connectFromNode(command) };
  }
}

/** A transparent proxy: greets with the original destination, then carries bytes to it under the client's address. */
function listen(port: number): Promise<void> {
  const server = net.createServer((client) => {
    client.on('error', () => {});
    const { remoteAddress = '', localAddress = '', localPort = 0 } = client;
    client.write(`proxied ${remoteAddress} to ${localAddress}:${localPort} `);
    if (localAddress.startsWith('10.96.')) return;
    const fd = openTransparentSocket({ type: 'stream', address: remoteAddress, port: 0, mark: 0xb00 });
    const upstream = new net.Socket({ fd });
    upstream.on('error', () => client.destroy());
    upstream.connect(localPort, localAddress);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  proxies.set(port, server);
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
      makeListenerTransparent(fd, { mark: 0xa00 });
      resolve();
    });
  });
}

function connectFromNode({
  address,
  port,
  timeoutMs = answerMs,
}: Extract<NodeCommand, { do: 'connect' }>): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port });
    socket.setTimeout(timeoutMs, () => resolve('timeout'));
    socket.on('data', (data) => {
      resolve(data.toString().trim());
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
}

function report(event: PacketEvent): void {
  const { timeNs, packet, ...rest } = event;
  const address = (at: number): string => [...packet.subarray(at, at + 4)].join('.');
  const header = ((packet[0] ?? 0) & 15) * 4;
  const port = (at: number): number => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  const bits = packet[9] === 6 ? (packet[header + 13] ?? 0) : 0;
  const flags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK'].filter((_name, index) => bits & (1 << index)).join(',');
  process.send?.({
    event: {
      ...rest,
      from: `${address(12)}:${port(header)}`,
      to: `${address(16)}:${port(header + 2)}`,
      flags,
      time: String(timeNs),
    },
  });
}
