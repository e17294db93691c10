import dgram from 'node:dgram';
import type { Logger } from '../base/index.ts';
import { openRedirectedDatagrams, openTransparentSocket } from '../sys/index.ts';
import type { ReceivedQuery } from './proxy.ts';

/** SO_MARK of what the proxy sends to its clients. */
export const downstreamMark = 0xa00;

/** Sockets kept open to answer from, one for each server address that pods ask. */
const replySocketsMax = 64;

/** Receives redirected UDP queries and answers each from the address it was sent to. Answers how to close; throws when it cannot listen. */
export function openUdpFront({
  port,
  handle,
  log,
}: {
  readonly port: number;
  readonly handle: (query: ReceivedQuery) => Promise<Buffer | undefined>;
  readonly log: Logger;
}): () => Promise<void> {
  const replySockets = createReplySockets(log);
  const receiver = openRedirectedDatagrams(
    { port, mark: downstreamMark },
    ({ data, source, destination }) => {
      handle({ transport: 'udp', client: source, server: destination, message: data }).then(
        (answer) => answer && replySockets.send(destination, source, answer),
        (error: unknown) => log.error({ error: String(error) }, 'a DNS query could not be handled'),
      );
    },
    (error) => log.error({ error: error.message }, 'the DNS proxy no longer receives UDP queries'),
  );
  return async () => {
    await receiver.close();
    replySockets.close();
  };
}

type Address = { readonly address: string; readonly port: number };

interface ReplySockets {
  send(from: Address, to: Address, message: Buffer): void;
  close(): void;
}

/** Transparent sockets by the address they speak for; the one unused for longest goes when there are too many. */
function createReplySockets(log: Logger): ReplySockets {
  const sockets = new Map<string, dgram.Socket>();

  function open(key: string, from: Address): dgram.Socket {
    const fd = openTransparentSocket({
      type: 'datagram',
      address: from.address,
      port: from.port,
      mark: downstreamMark,
    });
    const socket = dgram.createSocket('udp4');
    socket.on('error', (error) => {
      log.warn({ server: key, error: error.message }, 'a DNS answer could not be sent');
      sockets.delete(key);
      socket.close();
    });
    socket.bind({ fd });
    for (const [oldest, old] of sockets) {
      if (sockets.size < replySocketsMax) break;
      sockets.delete(oldest);
      old.close();
    }
    return socket;
  }

  return {
    send(from, to, message) {
      const key = `${from.address}:${from.port}`;
      try {
        const socket = sockets.get(key) ?? open(key, from);
        sockets.delete(key);
        sockets.set(key, socket);
        socket.send(message, to.port, to.address, () => {});
      } catch (error) {
        log.warn({ server: key, error: String(error) }, 'a DNS answer could not be sent');
      }
    },
    close() {
      for (const socket of sockets.values()) socket.close();
      sockets.clear();
    },
  };
}
