import tls from 'node:tls';
import { authority, type TestCertificate } from './certificates.ts';
import { httpListener, type Json } from './harness.ts';

/** Short words for tests with encrypted connections. */

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';

export const inline = (text: string): Json => ({ inline_string: text });

/** A `TlsCertificate`. */
export const pair = ({ certificate, key }: TestCertificate): Json => ({
  certificate_chain: inline(certificate),
  private_key: inline(key),
});

/** A transport socket. */
export const socketOf = (kind: 'Downstream' | 'Upstream', config: Json): Json => ({
  name: 'tls',
  typed_config: { '@type': `${TLS}.${kind}TlsContext`, ...config },
});

/** A listener whose connections are encrypted. */
export function tlsListener(context: Json, manager: Json, more: Json = {}): Json {
  const listener = httpListener('l', manager, more);
  const [chain] = listener['filter_chains'] as [Json];
  return { ...listener, filter_chains: [{ ...chain, transport_socket: socketOf('Downstream', context) }] };
}

/** One request over a connection of its own: the answer, or `error CODE`. */
export async function ask(
  port: number,
  options: tls.ConnectionOptions = {},
  text = 'GET / HTTP/1.1\r\nhost: a.test\r\n\r\n',
): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority, servername: 'a.test', ...options });
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
    if (/\r\n\r\n(ok|no)?$/.test(answer)) socket.end();
  });
  const error = new Promise<string>((resolve) => {
    socket.on('error', (fault) => resolve(`error ${(fault as NodeJS.ErrnoException).code}`));
    socket.on('close', () => resolve(answer));
  });
  socket.on('secureConnect', () => socket.write(text));
  return error;
}
