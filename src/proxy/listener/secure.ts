import type net from 'node:net';
import { ClientHelloReader } from '../tls/client-hello.ts';
import type { DownstreamTls, ReadBefore } from '../tls/downstream.ts';
import type { Handshake, HandshakeEnd } from '../tls/handshake.ts';
import { Inspection, type Look } from './inspection.ts';

/** More than this of a hello is none. */
const MAX_HELLO = 16_384;

/** Makes the handshake of a connection. Where the hello is needed and nobody looked, it is read here. */
export function secureSocket(
  socket: net.Socket,
  tls: DownstreamTls,
  timeoutMs: number,
  read: ReadBefore,
  end: HandshakeEnd,
): Handshake {
  if (read.hello || !tls.needsHello) return tls.begin(socket, read, timeoutMs, end);
  let handshake: Handshake | undefined;
  const fail = (why: string, timedOut = false): void => {
    socket.destroy();
    end.failed(`TLS error: ${why}`, timedOut);
  };
  const inspection = new Inspection(socket, [lookForHello], timeoutMs, {
    known: (found) => {
      handshake = tls.begin(socket, { hello: found.hello, wasRead: true }, timeoutMs, end);
    },
    refused: () => fail('the client hello is too large'),
    timedOut: () => fail('the handshake took too long', true),
    gone: () => fail('the client went away'),
  });
  return { destroy: () => (handshake ?? inspection).destroy() };
}

/** What is no hello goes on to the handshake, which refuses it. */
function lookForHello(): Look {
  const reader = new ClientHelloReader();
  return (bytes, found) => {
    const hello = reader.read(bytes.subarray(0, MAX_HELLO));
    if (hello === 'more') return bytes.length < MAX_HELLO ? 'more' : 'close';
    if (hello !== 'other') found.hello = hello;
    return 'done';
  };
}
