import net from 'node:net';
import tls from 'node:tls';
import { client, expired, server, stranger } from '../../src/proxy/testing/certificates.ts';
import type { ClientTls } from './types.ts';

const certificates = { client, expired, server, stranger };

/** A connection of a client that speaks TLS. */
export function connectTls(options: net.TcpNetConnectOpts, own: ClientTls): tls.TLSSocket {
  const { serverName, protocols, as, before, ...others } = own;
  const carrier = before === undefined ? undefined : net.connect(options);
  carrier?.write(before ?? '', 'latin1');
  const shown = as && certificates[as];
  return tls.connect({
    ...options,
    ...(carrier ? { socket: carrier } : {}),
    // The proxies differ in whose order counts in TLS 1.3.
    ciphers: `TLS_AES_128_GCM_SHA256:${tls.DEFAULT_CIPHERS}`,
    ...others,
    rejectUnauthorized: false,
    ...(!serverName ? {} : { servername: serverName }),
    ...(protocols ? { ALPNProtocols: [...protocols] } : {}),
    ...(shown ? { cert: shown.certificate, key: shown.key } : {}),
  });
}

/** What a handshake agreed on. */
export function describeTls(socket: tls.TLSSocket): string {
  const { CN } = socket.getPeerCertificate().subject;
  return `${socket.getProtocol()} ${socket.getCipher().name} ${socket.alpnProtocol || '-'} ${String(CN)}`;
}
