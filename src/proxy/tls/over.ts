import { endsOf, type Greeting } from '../proxy-protocol/upstream.ts';
import type { Transport } from '../transport/transport.ts';
import type { Encryption } from './upstream.ts';

/** What a handshake with a host leads to; one of them is called, at most once. */
export interface EncryptionEnd {
  readonly done: () => void;
  /** Envoy's transport failure reason. */
  readonly failed: (why: string) => void;
}

/** Encrypts a connected transport, if it is to be, after `greeting`, if there is one. What goes wrong before it is done comes as an error of the transport, too. */
export function encryptTransport(
  transport: Transport,
  encryption: Encryption | undefined,
  greeting: Greeting | undefined,
  end: EncryptionEnd,
): void {
  if (greeting) transport.begin(greeting(...endsOf(transport.socket)));
  if (!encryption) {
    end.done();
    return;
  }
  const { tls, names, fallback } = encryption;
  const socket = tls.begin(transport.socket, names, fallback);
  if (!socket) {
    end.failed('TLS_error:Secret is not supplied by SDS');
    return;
  }
  socket.once('error', (error: Error) => {
    tls.countFailure();
    end.failed(`TLS_error:|${error.message}`);
  });
  transport.encrypt(socket);
  socket.once('secureConnect', () => {
    const verdict = tls.judge(socket, names);
    if (verdict.ok) {
      transport.tls = verdict.info;
      end.done();
    } else end.failed(verdict.why);
  });
}
