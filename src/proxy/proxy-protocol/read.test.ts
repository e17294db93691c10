import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyHeader } from '../testing/proxy-protocol.ts';
import { readProxyHeader, versionOf } from './read.ts';
import type { ProxyHeader } from './types.ts';

function read(bytes: Buffer | string): ProxyHeader | string {
  const all = Buffer.from(bytes as string, 'latin1');
  const version = versionOf(all);
  return typeof version === 'string' ? version : readProxyHeader(all, version);
}

const ends = {
  source: { address: '10.1.2.3', port: 1111 },
  destination: { address: '10.4.5.6', port: 2222 },
};
const LINE = 'PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n';
const tlvs = [{ type: 2, value: Buffer.from('abc') }];

const cases: readonly (readonly [string, Buffer | string, ProxyHeader | string])[] = [
  ['a line', `${LINE}GET`, { version: 1, length: LINE.length, ends, tlvs: [] }],
  ['a line of nobody', 'PROXY UNKNOWN a b\r\n', { version: 1, length: 19, ends: undefined, tlvs: [] }],
  ['a line without its end', LINE.slice(0, -1), 'more'],
  ['a line that does not end', `PROXY TCP4 ${'1'.repeat(300)}`, 'absent'],
  ['a line that is too long', `PROXY UNKNOWN ${'x'.repeat(93)}\r\n`, 'broken'],
  ['a port too large', 'PROXY TCP4 10.1.2.3 10.4.5.6 65536 2222\r\n', 'broken'],
  ['no header', 'GET / HTTP/1.1\r\n\r\n', 'absent'],
  ['nothing', '', 'more'],
  ['a binary header', proxyHeader({ tlvs: [[2, 'abc']] }), { version: 2, length: 34, ends, tlvs }],
  ['a binary header of nobody', proxyHeader({ command: 0 }), { version: 2, length: 28, ends: undefined, tlvs: [] }],
  ['a binary header but for one byte', proxyHeader().subarray(0, -1), 'more'],
  ['addresses that are cut short', proxyHeader({ length: 11 }), 'broken'],
  ['a TLV beyond the header', proxyHeader({ tlvs: [[2, 'abc']], length: 17 }), 'broken'],
  ['a group of machines', proxyHeader({ source: '224.0.0.1' }), 'broken'],
];

for (const [name, bytes, expected] of cases) {
  test(`PROXY protocol: ${name}`, () => assert.deepEqual(read(bytes), expected));
}
