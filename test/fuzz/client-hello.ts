import assert from 'node:assert/strict';
import { clientHello, helloMessage, inRecords } from '../../src/proxy/testing/client-hello.ts';
import { ClientHelloReader } from '../../src/proxy/tls/client-hello.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const names = [undefined, '', 'a', 'A.example.com', '*.b', 'a'.repeat(255), 'a'.repeat(256), 'a\0b', '\xff.c'];
const protocolLists = [undefined, [], ['h2'], ['h2', 'http/1.1'], ['']];
const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

/** Client hellos in records, whole or broken; read in pieces they must be what they are in one. */
export const clientHellos: Target = {
  name: 'client-hellos',
  words: [latin1(clientHello({ serverName: 'a.b' })), '\x16\x03\x01', '\x00\x00', '\x00\x10', '\x01\x00', '\xff\xff'],
  make(random: Random): string {
    const serverName = random.pick(names);
    const protocols = random.pick(protocolLists);
    const message = helloMessage({
      ...(serverName !== undefined && { serverName }),
      ...(protocols && { protocols }),
      version: random.pick([0x0303, 0x0301, 0x0300]),
    });
    return latin1(inRecords(message, random.pick([1, 7, 100, 16_384])));
  },
  run(input) {
    const bytes = Buffer.from(input, 'latin1');
    const whole = new ClientHelloReader().read(bytes);
    const reader = new ClientHelloReader();
    let pieces: ReturnType<ClientHelloReader['read']> = 'more';
    for (let end = 1; end <= bytes.length && pieces === 'more'; end++) pieces = reader.read(bytes.subarray(0, end));
    assert.deepEqual(pieces, whole);
    if (typeof whole === 'string') return;
    assert.equal(whole.serverName, whole.serverName.toLowerCase());
    assert.ok(whole.serverName.length <= 255);
    // What stands behind a message changes nothing.
    assert.deepEqual(new ClientHelloReader().read(Buffer.concat([bytes, Buffer.alloc(9)])), whole);
  },
};
