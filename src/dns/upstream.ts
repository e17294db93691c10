import dgram from 'node:dgram';
import net from 'node:net';
import { fail, ok, type Result } from '../base/index.ts';
import { openTransparentSocket } from '../sys/index.ts';
import { frame, readFrames } from './frames.ts';

/** SO_MARK of what the proxy sends to servers. */
const upstreamMark = 0xb00;

interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

type Address = { readonly address: string; readonly port: number };

/**
 * Asks a server by UDP under the client's own address, from a new random port, and takes the first answer with the query's id.
 * The error is a short reason.
 */
export function exchangeUdp(
  client: string,
  server: Address,
  query: Buffer,
  limits: Limits,
): Promise<Result<Buffer, string>> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const finish = once(limits, resolve, () => socket.close());
    socket.on('error', (error) => finish(fail(error.message)));
    socket.on('message', (message) => {
      if (message.length >= 2 && message.readUInt16BE(0) === query.readUInt16BE(0)) finish(ok(message));
    });
    try {
      const fd = openTransparentSocket({ type: 'datagram', address: client, port: 0, mark: upstreamMark });
      socket.bind({ fd }, () =>
        socket.connect(server.port, server.address, (error?: Error) => {
          if (error) finish(fail(error.message));
          else if (!limits.signal.aborted) socket.send(query);
        }),
      );
    } catch (error) {
      finish(fail(error instanceof Error ? error.message : String(error)));
    }
  });
}

/** The same by TCP, one connection for one query. */
export function exchangeTcp(
  client: string,
  server: Address,
  query: Buffer,
  limits: Limits,
): Promise<Result<Buffer, string>> {
  return new Promise((resolve) => {
    let socket: net.Socket | undefined;
    const finish = once(limits, resolve, () => socket?.destroy());
    try {
      socket = new net.Socket({
        fd: openTransparentSocket({ type: 'stream', address: client, port: 0, mark: upstreamMark }),
      });
      socket.on('error', (error) => finish(fail(error.message)));
      socket.on('close', () => finish(fail('the server closed the connection')));
      readFrames(socket, (message) => finish(ok(message)));
      socket.connect(server.port, server.address);
      socket.write(frame(query));
    } catch (error) {
      finish(fail(error instanceof Error ? error.message : String(error)));
    }
  });
}

/** Settles once, on an outcome, the time limit or the end of the proxy, and then closes the socket. */
function once(
  { timeoutMs, signal }: Limits,
  resolve: (outcome: Result<Buffer, string>) => void,
  close: () => void,
): (outcome: Result<Buffer, string>) => void {
  let done = false;
  const finish = (outcome: Result<Buffer, string>): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    close();
    resolve(outcome);
  };
  const abort = (): void => finish(fail('the DNS proxy is stopping'));
  const timer = setTimeout(() => finish(fail(`no answer within ${timeoutMs} ms`)), timeoutMs);
  signal.addEventListener('abort', abort);
  return finish;
}
