import type net from 'node:net';
import type { Address } from '../../config/address.ts';
import type { UpstreamBinding } from '../config/binding.ts';
import { openUpstreamSocket } from '../upstream-socket.ts';
import type { TcpCheckConfig } from './config.ts';
import { holdsParts } from './payload.ts';
import type { CheckResult, Probe } from './probe.ts';

/** Bytes of an answer that are kept to look for what is expected. */
const MOST_BYTES = 65_536;

/** Connects, and where bytes are expected, sends its own and waits for those. */
export function createTcpProbe(
  { send, receive }: TcpCheckConfig,
  { address, binding }: { readonly address: Address; readonly binding: UpstreamBinding | undefined },
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

  function open(): net.Socket {
    const made = openUpstreamSocket(address, undefined, binding);
    made.on('end', () => made.destroy());
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

  function begin(): boolean {
    seen = Buffer.alloc(0);
    try {
      socket = open();
      return true;
    } catch {
      refused = setImmediate(() => tell('network'));
      return false;
    }
  }

  return {
    start() {
      if (!socket && !begin()) return;
      if (send) socket?.write(send);
    },
    abort: () => {
      clearImmediate(refused);
      close();
    },
  };
}
