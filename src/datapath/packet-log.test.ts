import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketEvent } from '../model/flow/index.ts';
import { createPacketLogParser } from './packet-log.ts';

const [payload, prefix, sequenceNumber] = [9, 10, 12];
const logMessage = 0x400;

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

/** A netlink message of `nfnetlink_log`, as the kernel sends it for one packet. */
function packetMessage(sequence: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(sequence);
  const packet = Buffer.alloc(40);
  packet[0] = 0x45;
  packet[9] = 6;
  packet[32] = 5 << 4;
  const body = Buffer.concat([
    attribute(prefix, Buffer.from('trace to-endpoint new ingress\0')),
    attribute(sequenceNumber, number),
    attribute(payload, packet),
  ]);
  const head = Buffer.alloc(20);
  head.writeUInt32LE(20 + body.length, 0);
  head.writeUInt16LE(logMessage, 4);
  return Buffer.concat([head, body]);
}

test('what the kernel had no room for is counted by the gaps in its numbering', () => {
  const cases: readonly [numbers: readonly number[], lost: number][] = [
    [[0, 1, 2], 0],
    [[5, 6, 9], 2],
    [[1, 2, 10, 11, 20], 15],
    [[7], 0],
    [[0xffff_fffe, 0xffff_ffff, 0], 0],
  ];
  for (const [numbers, expected] of cases) {
    const packets: PacketEvent[] = [];
    let lost = 0;
    const parser = createPacketLogParser({
      onPacket: (event) => packets.push(event),
      onLost: (count) => (lost += count),
      interfaceName: () => undefined,
      nowNs: () => 1_000_000_000_000n,
    });
    const messages = numbers.map(packetMessage);
    parser.parse(Buffer.concat(messages.slice(0, 1)));
    parser.parse(Buffer.concat(messages.slice(1)));
    assert.equal(lost, expected, numbers.join(' '));
    assert.equal(packets.length, numbers.length);
    assert.equal(packets[0]?.point, 'to-endpoint');
  }
});
