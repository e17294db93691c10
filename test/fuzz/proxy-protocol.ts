import assert from 'node:assert/strict';
import { readProxyHeader, versionOf } from '../../src/proxy/proxy-protocol/read.ts';
import type { ProxyHeader } from '../../src/proxy/proxy-protocol/types.ts';
import { proxyHeader, type TlvPart } from '../../src/proxy/testing/proxy-protocol.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const v4 = ['10.1.2.3', '255.255.255.255', '0.0.0.0', '127.0.0.1'];
const v6 = ['2001:db8::1', '::', 'ff02::1', '::ffff:10.1.2.3'];
const ports = ['0', '1', '65535', '65536', '-1', '', '+7'];
const families = ['TCP4', 'TCP6', 'UNKNOWN', 'UDP4', ''];
const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

function line(random: Random): string {
  const family = random.pick(families);
  const addresses = family === 'TCP6' ? v6 : v4;
  return `PROXY ${family} ${random.pick(addresses)} ${random.pick(addresses)} ${random.pick(ports)} ${random.pick(ports)}\r\n`;
}

function binary(random: Random): string {
  const addresses = random.pick([v4, v6]);
  const tlvs: readonly TlvPart[] = random.pick([
    [],
    [[1, 'h2']],
    [[4, '']],
    [
      [2, 'a'.repeat(300)],
      [0xea, '\xff'],
    ],
  ]);
  const source = random.pick(addresses);
  const destination = random.pick(addresses);
  return latin1(proxyHeader({ source, destination, tlvs, command: random.pick([0, 1, 1, 1, 2]) }));
}

type Outcome = ProxyHeader | 'more' | 'broken' | 'absent';

function read(bytes: Buffer): Outcome {
  const version = versionOf(bytes);
  return version === 'more' || version === 'absent' ? version : readProxyHeader(bytes, version);
}

/** Headers of the PROXY protocol, whole or broken; what one says depends on no byte behind it, nor on how it came. */
export const proxyHeaders: Target = {
  name: 'proxy-headers',
  words: [
    latin1(proxyHeader()),
    'PROXY TCP4 ',
    'PROXY UNKNOWN',
    '\r\n',
    ' 65535',
    '::',
    '\x00\x0c',
    '\x20',
    '\x02\x00\x01',
  ],
  make: (random) => (random.pick([true, false]) ? line(random) : binary(random)),
  run(input) {
    const bytes = Buffer.from(input, 'latin1');
    const whole = read(bytes);
    let pieces: Outcome = 'more';
    for (let end = 1; end <= bytes.length && pieces === 'more'; end++) pieces = read(bytes.subarray(0, end));
    // A line that came whole may be longer than what is waited for piece by piece.
    if (pieces !== 'absent' && whole !== 'absent') assert.deepEqual(pieces, whole);
    if (typeof whole === 'string') return;
    assert.ok(whole.length <= bytes.length);
    assert.deepEqual(read(Buffer.concat([bytes.subarray(0, whole.length), Buffer.alloc(20, 0xff)])), whole);
    if (whole.version === 1 || !whole.ends) assert.deepEqual(whole.tlvs, []);
  },
};
