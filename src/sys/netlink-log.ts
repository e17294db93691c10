import net from 'node:net';
import { constants as c, check, native, setOption } from './libc.ts';
import { openSocketPair } from './socket-pair.ts';

/** Numbers of `linux/netfilter/nfnetlink_log.h`. */
const messageType = { packet: 0x400, config: 0x401 } as const;
const configAttribute = { command: 1, mode: 2, bufferSize: 3, timeout: 4, threshold: 5, flags: 6 } as const;
const commandBind = 1;
const copyPacket = 2;
const flagSequence = 1;
const requestWithAck = 5;

/** The kernel sends what it gathered when this many packets or this much time (10 ms steps) has come together. */
const gatherPackets = 32;
const gatherTicks = 1;
const gatherBytes = 32 * 1024;
const receiveBytes = 8 << 20;

export interface LogSocket {
  close(): void;
}

/**
 * Reads a netlink log group of this process' network namespace on the event loop, without a thread.
 * `onDatagram` gets one netlink datagram (many messages) that is valid during the call only.
 * Node takes no netlink socket by itself: a stream socket is opened on one end of a socket pair and that descriptor then replaced,
 * before its first read. Throws `SystemCallError`, for instance EPERM or EBUSY when another process reads the group.
 */
export function openLogSocket(
  group: number,
  copyBytes: number,
  onDatagram: (datagram: Buffer) => void,
  onError: (error: Error) => void,
): LogSocket {
  const netlink = openGroup(group, copyBytes);
  const [ours, other] = pairBeside(netlink);
  const socket = new net.Socket({ fd: ours, readable: true, writable: false });
  check(native.dup2(netlink, ours), 'dup2');
  native.close(netlink);
  native.close(other);
  socket.on('data', onDatagram);
  socket.on('error', onError);
  return { close: () => socket.destroy() };
}

function pairBeside(netlink: number): readonly [number, number] {
  try {
    return openSocketPair();
  } catch (error) {
    native.close(netlink);
    throw error;
  }
}

function openGroup(group: number, copyBytes: number): number {
  const fd = check(
    native.socket(c.AF_NETLINK, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, c.NETLINK_NETFILTER),
    'socket(AF_NETLINK)',
  );
  try {
    const address = Buffer.alloc(12);
    address.writeUInt16LE(c.AF_NETLINK, 0);
    check(native.bind(fd, address, address.length), 'bind(AF_NETLINK)');
    setOption(fd, c.SOL_SOCKET, c.SO_RCVBUF, receiveBytes);
    setOption(fd, c.SOL_NETLINK, c.NETLINK_NO_ENOBUFS, 1);
    const mode = Buffer.alloc(6);
    mode.writeUInt32BE(copyBytes, 0);
    mode[4] = copyPacket;
    configure(fd, group, attribute(configAttribute.command, Buffer.from([commandBind])));
    configure(fd, group, attribute(configAttribute.mode, mode));
    configure(fd, group, attribute(configAttribute.bufferSize, bigEndian32(gatherBytes)));
    configure(fd, group, attribute(configAttribute.timeout, bigEndian32(gatherTicks)));
    configure(fd, group, attribute(configAttribute.threshold, bigEndian32(gatherPackets)));
    configure(fd, group, attribute(configAttribute.flags, Buffer.from([0, flagSequence])));
    return fd;
  } catch (error) {
    native.close(fd);
    throw error;
  }
}

/** Sends one configuration message and reads its answer; the kernel answers before `send` returns. */
function configure(fd: number, group: number, body: Buffer): void {
  const message = Buffer.alloc(20 + body.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(messageType.config, 4);
  message.writeUInt16LE(requestWithAck, 6);
  message[16] = c.AF_INET;
  message.writeUInt16BE(group, 18);
  body.copy(message, 20);
  check(native.send(fd, message, message.length, 0), 'send(AF_NETLINK)');
  const answer = Buffer.alloc(65536);
  for (;;) {
    check(native.recv(fd, answer, answer.length, 0), 'recv(AF_NETLINK)');
    const isError = answer.readUInt16LE(4) === 2;
    if (isError) break;
  }
  const code = -answer.readInt32LE(16);
  if (code !== 0) throw systemError(code, group);
}

function systemError(code: number, group: number): Error {
  return new Error(`netlink log group ${group}: ${code === 16 ? 'EBUSY, another process reads it' : `errno ${code}`}`);
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

function bigEndian32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export const logMessageType: number = messageType.packet;
