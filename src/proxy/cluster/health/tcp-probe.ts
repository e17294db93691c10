import net from 'node:net';
import { type Address, formatAddress } from '../../config/address.ts';
import type { TcpCheckConfig } from './config.ts';
import { holdsParts } from './payload.ts';
import type { CheckResult, Probe } from './probe.ts';

/** Bytes of an answer that are kept to look for what is expected. */
const MOST_BYTES = 65_536;

/** Connects, and where bytes are expected, sends its own and waits for those. */
export function createTcpProbe(
  { send, receive }: TcpCheckConfig,
  address: Address,
  reuse: boolean,
  tell: (result: CheckResult) => void,
): Probe {
  let socket: net.Socket | undefined;
  let seen = Buffer.alloc(0);

  function close(): void {
    const open = socket;
    socket = undefined;
    open?.destroy();
  }

  function open(): net.Socket {
    const made =
      address.kind === 'socket'
        ? net.connect({ host: address.host, port: address.port })
        : net.connect({ path: formatAddress(address) });
    made.setNoDelay(true);
    made.on('error', () => undefined);
    made.on('connect', () => {
      if (made !== socket || receive.length > 0) return;
      close();
      tell('healthy');
    });
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
    return made;
  }

  return {
    start() {
      if (!socket) {
        seen = Buffer.alloc(0);
        socket = open();
      }
      if (send) socket.write(send);
    },
    abort: close,
  };
}
