import koffi from 'koffi';
import { constants as c, check, native, SystemCallError, setOption } from './libc.ts';

const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const CONTROL_HEAD = 16;
/** The kernel takes no more in one message. */
const MOST_DESCRIPTORS = 253;

const at = { header: 0, vector: 64, control: 96, data: 2048 };
const size = { control: CONTROL_HEAD + 4 * MOST_DESCRIPTORS, data: 65_536 };

/** How many descriptors one message may hold. */
export const DESCRIPTORS_AT_ONCE = 128;

/** Runs with `struct msghdr`, its vector, control data and bytes in memory that stays where it is. */
function withMessage<T>(work: (pointer: unknown, bytes: Buffer) => T): T {
  const total = at.data + size.data;
  const pointer: unknown = koffi.alloc('uint8', total);
  try {
    const bytes = Buffer.from(koffi.view(pointer, total));
    bytes.fill(0, 0, at.data);
    const base = koffi.address(pointer);
    bytes.writeBigUInt64LE(base + BigInt(at.vector), at.header + 16);
    bytes.writeBigUInt64LE(1n, at.header + 24);
    bytes.writeBigUInt64LE(base + BigInt(at.control), at.header + 32);
    bytes.writeBigUInt64LE(base + BigInt(at.data), at.vector);
    return work(pointer, bytes);
  } finally {
    koffi.free(pointer);
  }
}

/**
 * Sends text (ASCII, at most 64 KiB) with descriptors over a connected Unix stream socket; the receiver gets descriptors of the same open
 * files. Throws `SystemCallError`, EAGAIN when the socket has no room.
 */
export function sendDescriptors(socket: number, text: string, descriptors: readonly number[]): void {
  withMessage((pointer, bytes) => {
    const length = bytes.write(text, at.data, 'latin1');
    bytes.writeBigUInt64LE(BigInt(length), at.vector + 8);
    const control = CONTROL_HEAD + 4 * descriptors.length;
    bytes.writeBigUInt64LE(BigInt(descriptors.length > 0 ? control : 0), at.header + 40);
    bytes.writeBigUInt64LE(BigInt(control), at.control);
    bytes.writeInt32LE(c.SOL_SOCKET, at.control + 8);
    bytes.writeInt32LE(SCM_RIGHTS, at.control + 12);
    for (const [index, fd] of descriptors.entries()) bytes.writeInt32LE(fd, at.control + CONTROL_HEAD + 4 * index);
    const sent = check(native.sendmsg(socket, pointer, MSG_NOSIGNAL), 'sendmsg');
    if (sent !== length) throw new SystemCallError('sendmsg', 0);
  });
}

/** The next bytes of a connected Unix stream socket that blocks, with the descriptors that came along; empty at its end. Throws `SystemCallError`. */
export function receiveDescriptors(socket: number): { readonly text: string; readonly descriptors: readonly number[] } {
  return withMessage((pointer, bytes) => {
    bytes.writeBigUInt64LE(BigInt(size.data), at.vector + 8);
    bytes.writeBigUInt64LE(BigInt(size.control), at.header + 40);
    const length = check(native.recvmsg(socket, pointer, MSG_CMSG_CLOEXEC), 'recvmsg');
    const controlLength = Number(bytes.readBigUInt64LE(at.header + 40));
    const descriptors: number[] = [];
    const carries = controlLength >= CONTROL_HEAD && bytes.readInt32LE(at.control + 12) === SCM_RIGHTS;
    const end = carries ? Number(bytes.readBigUInt64LE(at.control)) : 0;
    for (let from = CONTROL_HEAD; from + 4 <= end; from += 4) descriptors.push(bytes.readInt32LE(at.control + from));
    return { text: bytes.toString('latin1', at.data, at.data + length), descriptors };
  });
}

/** A connection to a Unix stream socket that blocks for at most so many seconds at a time. Throws `SystemCallError`. */
export function connectUnix(path: string, seconds: number): number {
  const fd = check(native.socket(c.AF_UNIX, c.SOCK_STREAM | c.SOCK_CLOEXEC, 0), 'socket');
  try {
    const timeout = Buffer.alloc(16);
    timeout.writeBigInt64LE(BigInt(seconds), 0);
    setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeout);
    const address = Buffer.alloc(110);
    address.writeUInt16LE(c.AF_UNIX, 0);
    if (Buffer.byteLength(path) > 107) throw new SystemCallError('connect', 36);
    address.write(path, 2);
    check(native.connect(fd, address, address.length), `connect(${path})`);
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Writes ASCII text to a connected socket that blocks. Throws `SystemCallError`. */
export function sendText(socket: number, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  check(native.send(socket, bytes, bytes.length, MSG_NOSIGNAL), 'send');
}
