import dgram from 'node:dgram';
import net from 'node:net';
import { type Answer as DnsRecord, encode } from 'dns-packet';
import { answer } from './answer.ts';
import { readFrames, writeFrame } from './frames.ts';
import { emptyAnswer, type Question, rcodes, readQuestion } from './message.ts';
import type { Zone } from './zone-types.ts';

export interface ClusterDnsOptions {
  readonly port: number;
  /** Address to listen on. */
  readonly address: string;
  readonly zone: () => Zone;
  /** Resolvers for names that are not ours, asked in turn; without any such names do not exist. */
  readonly upstreams: readonly { readonly address: string; readonly port: number }[];
  readonly onFault: (message: string) => void;
}

const upstreamTimeoutMs = 2000;
const pendingMax = 512;
const connectionsMax = 256;
const idleMs = 10_000;
/** Longest UDP answer to a client that announces no other size, and to any client. */
const plainUdpMax = 512;
const udpMax = 4096;

/** Serves the zone by UDP and TCP. Resolves with the port and how to stop; rejects when it cannot listen. */
export async function serveClusterDns(options: ClusterDnsOptions): Promise<{ port: number; close(): void }> {
  let pending = 0;

  async function handle(query: Buffer): Promise<Buffer | undefined> {
    if (query.length < 12 || (query[2] ?? 0) >= 0x80) return undefined;
    const question = readQuestion(query);
    if (!question) return emptyAnswer(query, undefined, rcodes.formatError);
    const found = answer(options.zone(), question.name, question.type);
    if (found !== 'forward') return encodeAnswer(question, found);
    if (options.upstreams.length === 0) return emptyAnswer(query, question, rcodes.nameError);
    if (pending >= pendingMax) return emptyAnswer(query, question, rcodes.serverFailure);
    pending++;
    try {
      for (const upstream of options.upstreams) {
        const reply = await askUpstream(query, upstream);
        if (reply) return reply;
      }
      return emptyAnswer(query, question, rcodes.serverFailure);
    } finally {
      pending--;
    }
  }

  const tcp = net.createServer((socket) => serveConnection(socket, handle));
  tcp.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(options.port, options.address, resolve);
  });
  const { port } = tcp.address() as net.AddressInfo;
  const udp = dgram.createSocket('udp4');
  udp.on('error', (error) => options.onFault(error.message));
  udp.on('message', (query, client) => {
    handle(query).then(
      (reply) => reply && udp.send(fitUdp(query, reply), client.port, client.address, () => {}),
      (error: unknown) => options.onFault(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    const refused = (error: Error): void => {
      tcp.close();
      reject(error);
    };
    udp.once('error', refused);
    udp.bind(port, options.address, () => {
      udp.off('error', refused);
      resolve();
    });
  });
  return {
    port,
    close() {
      udp.close();
      tcp.close();
    },
  };
}

function encodeAnswer(
  question: Question,
  {
    rcode,
    answers,
    additionals,
  }: { rcode: 'NOERROR' | 'NXDOMAIN'; answers: readonly DnsRecord[]; additionals: readonly DnsRecord[] },
): Buffer {
  const authoritative = 0x400;
  const recursion = (question.recursionDesired ? 0x100 : 0) | 0x80;
  const message = encode({
    type: 'response',
    id: question.id,
    flags: authoritative | recursion,
    questions: [],
    answers: [...answers],
    additionals: [...additionals],
  });
  message.writeUInt16BE(message.readUInt16BE(2) | (rcode === 'NXDOMAIN' ? rcodes.nameError : 0), 2);
  return withQuestion(message, question);
}

/** Puts the question in as it was asked: its case must come back unchanged, and its type may be one that dns-packet cannot write. */
function withQuestion(message: Buffer, question: Question): Buffer {
  message.writeUInt16BE(1, 4);
  return Buffer.concat([message.subarray(0, 12), question.bytes, message.subarray(12)]);
}

/** Cuts an answer that does not fit to its question and says so; the client then asks by TCP. */
function fitUdp(query: Buffer, reply: Buffer): Buffer {
  if (reply.length <= plainUdpMax || (query.readUInt16BE(10) > 0 && reply.length <= udpMax)) return reply;
  const cut = emptyAnswer(query, readQuestion(query), (reply[3] ?? 0) & 15);
  cut.writeUInt16BE(cut.readUInt16BE(2) | 0x200, 2);
  return cut;
}

function serveConnection(socket: net.Socket, handle: (query: Buffer) => Promise<Buffer | undefined>): void {
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  readFrames(socket, (query) => {
    handle(query).then(
      (reply) => reply && writeFrame(socket, reply),
      () => socket.destroy(),
    );
  });
}

function askUpstream(query: Buffer, upstream: { address: string; port: number }): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(net.isIPv6(upstream.address) ? 'udp6' : 'udp4');
    let done = false;
    const finish = (reply?: Buffer): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const timer = setTimeout(finish, upstreamTimeoutMs);
    socket.on('error', () => finish());
    socket.on('message', (reply) => {
      if (reply.length >= 2 && reply.readUInt16BE(0) === query.readUInt16BE(0)) finish(reply);
    });
    socket.connect(upstream.port, upstream.address, (error?: Error) => {
      if (error) finish();
      else if (!done) socket.send(query);
    });
  });
}
