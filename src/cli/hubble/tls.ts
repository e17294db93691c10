import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ClientTls, HubbleClientOptions } from '../../hubble/index.ts';
import { variableOf } from './config.ts';
import { Fault } from './fault.ts';
import { truthOf } from './settings.ts';

/** The flags that say how to trust the server and who the client is. */
export interface TlsFlags {
  readonly server: string;
  readonly tls?: boolean;
  readonly tlsAllowInsecure?: boolean;
  readonly tlsCaCertFiles?: string;
  readonly tlsClientCertFile?: string;
  readonly tlsClientKeyFile?: string;
  readonly tlsServerName?: string;
}

/** TLS as the flags ask for it; undefined for plain text. Faults files that cannot be read or hold no certificate. */
export function clientTlsOf(flags: TlsFlags): ClientTls | undefined {
  const { tlsClientCertFile: certFile = '', tlsClientKeyFile: keyFile = '', tlsServerName: serverName = '' } = flags;
  if ((certFile === '') !== (keyFile === '')) {
    throw new Fault('invalid flag(s): certificate and private key are both required, but only one was provided');
  }
  if (!flags.tls && certFile === '' && !flags.server.startsWith('tls://')) return undefined;
  const caFiles = (flags.tlsCaCertFiles ?? '').split(',').filter((file) => file !== '');
  const authorities = caFiles.map((file) => readCertificate(file));
  return {
    ...(authorities.length > 0 && { authorities: Buffer.from(authorities.join('\n')) }),
    ...(certFile !== '' && { certificate: Buffer.from(readCertificate(certFile)), key: readFile(keyFile) }),
    ...(serverName !== '' && { serverName }),
    allowInsecure: flags.tlsAllowInsecure ?? false,
  };
}

/** How to reach a server for a command without the TLS flags: as `HUBBLE_TLS` and its like say. Faults as `clientTlsOf`. */
export function serverOf(server: string, environment: NodeJS.ProcessEnv): Pick<HubbleClientOptions, 'server' | 'tls'> {
  const text = (flag: string): string => environment[variableOf(flag)] ?? '';
  const tls = clientTlsOf({
    server,
    tls: truthOf(text('tls')) === true,
    tlsAllowInsecure: truthOf(text('tls-allow-insecure')) === true,
    tlsCaCertFiles: text('tls-ca-cert-files'),
    tlsClientCertFile: text('tls-client-cert-file'),
    tlsClientKeyFile: text('tls-client-key-file'),
    tlsServerName: text('tls-server-name'),
  });
  return { server: server.replace(/^tls:\/\//, ''), ...(tls && { tls }) };
}

function readCertificate(file: string): string {
  const text = readFile(file).toString();
  try {
    new X509Certificate(text);
  } catch {
    throw new Fault(`cannot process cert '${file}': must be a PEM encoded certificate`);
  }
  return text;
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file or directory' : message;
    throw new Fault(`cannot load cert '${file}': open ${file}: ${why}`);
  }
}
