import type net from 'node:net';
import type { Address } from '../../config/address.ts';
import { endsOf, type Greeting } from '../../proxy-protocol/upstream.ts';
import type { Encryption } from '../../tls/upstream.ts';
import type { UpstreamBinding } from '../config/binding.ts';
import { openUpstreamSocket } from '../upstream-socket.ts';
import type { TcpCheckConfig } from './config.ts';
import { holdsParts } from './payload.ts';
import type { CheckResult, Probe } from './probe.ts';

/** Bytes of an answer that are kept to look for what is expected. */
const MOST_BYTES = 65_536;

export interface TcpProbePlace {
  readonly address: Address;
  readonly binding: UpstreamBinding | undefined;
  readonly encryption: Encryption | undefined;
  readonly greeting?: Greeting | undefined;
}

/** Connects, and where bytes are expected, sends its own and waits for those. */
export function createTcpProbe(
  { send, receive }: TcpCheckConfig,
  { address, binding, encryption, greeting }: TcpProbePlace,
  reuse: boolean,
  tell: (result: CheckResult) => void,
): Probe {
  let socket: net.Socket | undefined;
  let seen = Buffer.alloc(0);
  /** Set until it is told that not even the attempt to connect could be made. */
  let refused: NodeJS.Immediate | undefined;

  function close(): void {
    const open = socket;
    socket = undefined;
    open?.destroy();
  }

  function connected(made: net.Socket): void {
    if (made !== socket) return;
    if (receive.length > 0) {
      if (send) made.write(send);
      return;
    }
    close();
    tell('healthy');
  }

  /** Goes on over an encrypted socket; a host that fails the handshake fails the check. */
  function encrypt(carrier: net.Socket, { tls, names }: Encryption): void {
    if (carrier !== socket) return;
    const secure = tls.begin(carrier, names, []);
    if (!secure) {
      carrier.destroy();
      return;
    }
    watch(secure);
    socket = secure;
    secure.once('secureConnect', () => {
      if (tls.judge(secure, names).ok) connected(secure);
      else secure.destroy();
    });
  }

  function open(): net.Socket {
    const made = openUpstreamSocket(address, undefined, binding);
    watch(made);
    made.on('connect', () => {
      if (greeting) made.write(greeting(...endsOf(made)));
      if (encryption) encrypt(made, encryption);
      else connected(made);
    });
    return made;
  }

  function watch(made: net.Socket): void {
    made.on('end', () => made.destroy());
    made.on('error', () => undefined);
    made.on('data', (bytes) => {
      if (made !== socket || receive.length === 0) return;
      seen = Buffer.concat([seen, bytes]).subarray(-MOST_BYTES);
      if (!holdsParts(seen, receive)) return;
      seen = Buffer.alloc(0);
      if (!reuse) close();
      tell('healthy');
    });
    made.on('close', () => {
      if (made !== socket) return;
      socket = undefined;
      tell('network');
    });
  }

  function begin(): void {
    seen = Buffer.alloc(0);
    try {
      socket = open();
    } catch {
      refused = setImmediate(() => tell('network'));
    }
  }

  return {
    start() {
      if (socket) {
        if (send) socket.write(send);
      } else begin();
    },
    abort: () => {
      clearImmediate(refused);
      close();
    },
  };
}
