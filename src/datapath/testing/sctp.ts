import { constants as c, check, inNetworkNamespace, native, setOption, socketAddress } from '../../sys/index.ts';

const sctp = 132;

/**
 * Sends the first packet of an SCTP association (RFC 9260, INIT) from one namespace; whether it came to the other within a third of a
 * second. Raw sockets on both sides, since the kernel need not have the protocol itself.
 */
export function sctpArrives(from: string, to: string, address: string, port: number): boolean {
  const receiver = rawSocket(to);
  const sender = rawSocket(from);
  try {
    const packet = initPacket(port);
    const target = socketAddress(address, 0);
    native.sendto(sender, packet, packet.length, 0, target, target.length);
    return Number(native.recv(receiver, Buffer.alloc(256), 256, 0)) > 0;
  } finally {
    native.close(sender);
    native.close(receiver);
  }
}

function rawSocket(namespace: string): number {
  const fd = inNetworkNamespace(`/run/netns/${namespace}`, () =>
    check(native.socket(c.AF_INET, c.SOCK_RAW | c.SOCK_CLOEXEC, sctp), 'socket'),
  );
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(300_000n, 8);
  setOption(fd, c.SOL_SOCKET, c.SO_RCVTIMEO, timeout);
  return fd;
}

let sourcePort = 40_000;

/** Each from a source port of its own, so that none belongs to a connection that is known. */
function initPacket(port: number): Buffer {
  const packet = Buffer.alloc(32);
  packet.writeUInt16BE(sourcePort++, 0);
  packet.writeUInt16BE(port, 2);
  packet.writeUInt8(1, 12);
  packet.writeUInt16BE(20, 14);
  packet.writeUInt32BE(7, 16);
  packet.writeUInt32BE(65_536, 20);
  packet.writeUInt16BE(1, 24);
  packet.writeUInt16BE(1, 26);
  packet.writeUInt32BE(1, 28);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet;
}

function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
