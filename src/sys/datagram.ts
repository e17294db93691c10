import koffi from 'koffi';
import { constants as c, check, native, setOption, socketAddress } from './libc.ts';

/** A datagram that TPROXY brought, with where it was going. */
export interface RedirectedDatagram {
  /** A copy. */
  readonly data: Buffer;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

export interface DatagramReceiver {
  /** Resolves when nothing arrives any more and the port is free. */
  close(): Promise<void>;
}

/** Layout of the one block of memory that the kernel writes to: `struct msghdr`, `struct iovec`, name, control, data. */
const at = { header: 0, vector: 64, name: 96, control: 128, data: 512 };
const size = { name: 16, control: 256, data: 65536 };

const dontWait = 0x40;
const shutRead = 0;
/** The longest a blocked call holds up the end of the process. */
const waitSeconds = 1;
const drainMax = 64;
const receiveBytes = 1 << 20;
const failuresMax = 10;

/**
 * Receives UDP datagrams on a transparent loopback socket with their original destination, which Node's own sockets do not tell.
 * One thread of Node's pool waits for the first datagram; what has queued up behind it is read on the event loop.
 * Throws `SystemCallError`, for instance EADDRINUSE.
 */
export function openRedirectedDatagrams(
  { port, mark }: { readonly port: number; readonly mark: number },
  onDatagram: (datagram: RedirectedDatagram) => void,
  onError: (error: Error) => void,
): DatagramReceiver {
  const fd = openSocket(port, mark);
  const { pointer, bytes } = messageMemory();
  const shutdown = koffi.load('libc.so.6').func('int shutdown(int, int)');
  let failures = 0;
  let closing = false;
  const closed = Promise.withResolvers<void>();

  function finish(): void {
    native.close(fd);
    koffi.free(pointer);
    closed.resolve();
  }

  function wait(): void {
    prepare(bytes);
    const begun = performance.now();
    native.recvmsg.async(fd, pointer, 0, (fault: Error | null, result: number | bigint) => {
      if (closing) return finish();
      const length = fault ? -1 : Number(result);
      failures = length < 0 && performance.now() - begun < 100 ? failures + 1 : 0;
      if (failures >= failuresMax) {
        onError(fault ?? new Error('recvmsg failed'));
        return finish();
      }
      if (length >= 0) {
        deliver(bytes, length, onDatagram);
        drain();
      }
      wait();
    });
  }

  function drain(): void {
    for (let count = 0; count < drainMax && !closing; count++) {
      prepare(bytes);
      const length = Number(native.recvmsg(fd, pointer, dontWait));
      if (length < 0) return;
      deliver(bytes, length, onDatagram);
    }
  }

  wait();
  return {
    close() {
      if (!closing) shutdown(fd, shutRead);
      closing = true;
      return closed.promise;
    },
  };
}

function openSocket(port: number, mark: number): number {
  const fd = check(native.socket(c.AF_INET, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0), 'socket');
  try {
    setOption(fd, c.SOL_IP, c.IP_TRANSPARENT, 1);
    setOption(fd, c.SOL_SOCKET, c.SO_MARK, mark);
    setOption(fd, c.SOL_IP, c.IP_RECVORIGDSTADDR, 1);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVBUF, receiveBytes);
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(waitSeconds), 0);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeout);
    const address = socketAddress('127.0.0.1', port);
    check(native.bind(fd, address, address.length), `bind(127.0.0.1:${port})`);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Memory outside the JavaScript heap, since the kernel writes to it while the event loop runs. */
function messageMemory(): { pointer: unknown; bytes: Buffer } {
  const total = at.data + size.data;
  const pointer: unknown = koffi.alloc('uint8', total);
  const bytes = Buffer.from(koffi.view(pointer, total));
  bytes.fill(0, 0, at.data);
  const base = koffi.address(pointer);
  bytes.writeBigUInt64LE(base + BigInt(at.name), at.header);
  bytes.writeBigUInt64LE(base + BigInt(at.vector), at.header + 16);
  bytes.writeBigUInt64LE(1n, at.header + 24);
  bytes.writeBigUInt64LE(base + BigInt(at.control), at.header + 32);
  bytes.writeBigUInt64LE(base + BigInt(at.data), at.vector);
  bytes.writeBigUInt64LE(BigInt(size.data), at.vector + 8);
  return { pointer, bytes };
}

/** The kernel overwrites the lengths with what it used. */
function prepare(bytes: Buffer): void {
  bytes.writeUInt32LE(size.name, at.header + 8);
  bytes.writeBigUInt64LE(BigInt(size.control), at.header + 40);
}

function deliver(bytes: Buffer, length: number, onDatagram: (datagram: RedirectedDatagram) => void): void {
  const controlLength = Number(bytes.readBigUInt64LE(at.header + 40));
  const isDestination =
    controlLength >= 32 &&
    bytes.readInt32LE(at.control + 8) === c.SOL_IP &&
    bytes.readInt32LE(at.control + 12) === c.IP_RECVORIGDSTADDR;
  if (!isDestination) return;
  onDatagram({
    data: Buffer.from(bytes.subarray(at.data, at.data + length)),
    source: endpointAt(bytes, at.name),
    destination: endpointAt(bytes, at.control + 16),
  });
}

function endpointAt(bytes: Buffer, offset: number): { address: string; port: number } {
  return {
    address: bytes.subarray(offset + 4, offset + 8).join('.'),
    port: bytes.readUInt16BE(offset + 2),
  };
}
