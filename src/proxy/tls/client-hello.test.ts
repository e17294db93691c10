import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientHello, helloMessage, inRecords, prefixed } from '../testing/client-hello.ts';
import { ClientHelloReader, type ReadHello } from './client-hello.ts';

const read = (bytes: Buffer): ReadHello => new ClientHelloReader().read(bytes);
const named = (serverName: string, protocols: readonly string[] = []): ReadHello => ({
  serverName,
  protocols,
  knownVersion: true,
});

const cases: readonly (readonly [string, Buffer, ReadHello])[] = [
  [
    'name in lower case, protocols',
    clientHello({ serverName: 'A.b', protocols: ['h2', 'x'] }),
    named('a.b', ['h2', 'x']),
  ],
  ['neither', clientHello(), named('')],
  ['a record for every byte', inRecords(helloMessage({ serverName: 'a.b' }), 1), named('a.b')],
  ['nothing', Buffer.alloc(0), 'more'],
  ['a whole hello but for one byte', clientHello({ serverName: 'a.b' }).subarray(0, -1), 'more'],
  ['no handshake', Buffer.from('GET / HTTP/1.1'), 'other'],
  ['a record that claims too much', Buffer.from([22, 3, 1, 0xff, 0xff, 1, 0, 0]), 'other'],
  ['a message that claims too much', inRecords(Buffer.from([1, 0xff, 0xff, 0xff])), 'other'],
  ['extensions that claim too much', clientHello({ bare: true, trailer: Buffer.from([0xff, 0xff, 0]) }), 'other'],
  [
    'an extension that claims too much',
    clientHello({ bare: true, trailer: prefixed(2, Buffer.from([0, 0, 9, 9, 0])) }),
    'other',
  ],
  ['a name with a zero', clientHello({ serverName: 'a\0.b' }), 'other'],
  ['the name twice', clientHello({ serverName: 'a.b', extensions: [[0, Buffer.from([0, 4, 0, 0, 1, 99])]] }), 'other'],
];

for (const [name, bytes, expected] of cases) test(name, () => assert.deepEqual(read(bytes), expected));

test('every beginning of a hello asks for more, and bytes come one by one', () => {
  const bytes = inRecords(helloMessage({ serverName: 'a.b', protocols: ['h2'] }), 11);
  const reader = new ClientHelloReader();
  for (let end = 0; end < bytes.length; end++) assert.equal(reader.read(bytes.subarray(0, end)), 'more');
  assert.deepEqual(reader.read(bytes), named('a.b', ['h2']));
});
