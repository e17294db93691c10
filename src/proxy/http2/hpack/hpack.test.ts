import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decodeHuffman, huffmanLength, putHuffman } from './huffman.ts';

const fields = (decoder: HpackDecoder, hex: string): readonly string[] | undefined => {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const list: string[] = [];
  const sink = { field: (name: { text: string }, value: string) => void list.push(`${name.text}: ${value}`) };
  return decoder.decode(bytes, 0, bytes.length, sink) ? list : undefined;
};

// RFC 7541, C.4 and C.6: a connection each.
const requests: readonly (readonly [string, readonly string[]])[] = [
  [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  ],
  [
    '8286 84be 5886 a8eb 1064 9cbf',
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  ],
  [
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ],
];
const responses: readonly (readonly [string, readonly string[]])[] = [
  [
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    [
      ':status: 302',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ],
  ],
  [
    '4883 640e ffc1 c0bf',
    [
      ':status: 307',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:21 GMT',
      'location: https://www.example.com',
    ],
  ],
];

test('header blocks of the RFC are read, in connections with small and large tables', () => {
  for (const [examples, size] of [
    [requests, 4096],
    [responses, 256],
  ] as const) {
    const decoder = new HpackDecoder(size);
    for (const [hex, expected] of examples) assert.deepEqual(fields(decoder, hex), expected);
  }
});

for (const [what, hex] of [
  ['index 0', '80'],
  ['an index beyond the table', 'be'],
  ['an integer without an end', 'ff ffff ffff ff'],
  ['an integer of many zeros', 'ff 8080 8080 8080 8080 8080 01'],
  ['a string longer than the block', '40 05 6162'],
  ['a string of no code', '40 84 ffff ffff 01 61'],
  ['padding of eight bits', '40 82 1fff 01 61'],
  ['padding of zeros', '40 81 18 01 61'],
  ['a table larger than agreed', '3f e2 1f'],
  ['a table size after a field', '82 20'],
  ['a name without a value', '40 01 61'],
] as const) {
  test(`a block with ${what} is refused`, () => assert.equal(fields(new HpackDecoder(4096), hex), undefined));
}

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder(4096);
      for (const block of blocks) decoder.decode(Buffer.from(block), 0, block.length, { field: () => undefined });
    }),
    { numRuns: 500 },
  );
});

test('Huffman code takes any latin1 text there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const text = Buffer.from(bytes).toString('latin1');
      const out = Buffer.alloc(2000);
      const end = putHuffman(out, 3, text);
      assert.equal(end - 3, huffmanLength(text));
      const back = Buffer.alloc(400);
      assert.equal(decodeHuffman(out, 3, end, back), bytes.length);
      assert.equal(back.toString('latin1', 0, bytes.length), text);
      assert.equal(decodeHuffman(out, 3, end, Buffer.alloc(Math.max(0, bytes.length - 1))), bytes.length > 0 ? -1 : 0);
    }),
  );
});

const name = fc.constantFrom(
  ':status',
  'server',
  'date',
  'x-a',
  'x-b',
  'cookie',
  'content-type',
  'x-very-long-name-of-a-header',
);
const value = fc.oneof(fc.constantFrom('200', '404', 'envoy', 'text/plain', ''), fc.stringMatching(/^[ -~]{0,300}$/));
const block = fc.array(fc.tuple(name, value), { maxLength: 12 });
const step = fc.oneof(
  { weight: 6, arbitrary: block },
  { weight: 1, arbitrary: fc.constantFrom(0, 64, 300, 4096, 65_536) },
);

test('what is written is read again, whatever the table holds and however its size changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder(65_536);
      for (const one of steps) {
        if (typeof one === 'number') {
          encoder.limit(one);
          continue;
        }
        const out = Buffer.alloc(8000);
        let at = encoder.begin(out, 0);
        for (const [field, text] of one) at = encoder.put(out, at, field, text);
        assert.deepEqual(
          fields(decoder, out.toString('hex', 0, at)),
          one.map(([field, text]) => `${field}: ${text}`),
        );
      }
    }),
  );
});

test('another implementation reads what is written', async () => {
  const headers: Record<string, string> = {
    'x-one': 'a value',
    'x-two': 'b'.repeat(500),
    server: 'envoy',
    date: 'now',
  };
  const encoder = new HpackEncoder();
  const blocks = Array.from({ length: 3 }, () => {
    const out = Buffer.alloc(4000);
    let at = encoder.put(out, encoder.begin(out, 0), ':status', '200');
    for (const [field, text] of Object.entries(headers)) at = encoder.put(out, at, field, text);
    return out.subarray(0, at);
  });
  assert.ok((blocks[1]?.length ?? 0) < (blocks[0]?.length ?? 0));
  const { createServer } = await import('node:net');
  const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, payload]);
  };
  const server = createServer((socket) => {
    socket.write(frame(4, 0, 0, Buffer.alloc(0)));
    socket.on('error', () => {});
    let told = 0;
    socket.on('data', (bytes) => {
      for (
        let at = bytes.indexOf(PREFACE) < 0 ? 0 : PREFACE.length;
        at + 9 <= bytes.length;
        at += 9 + bytes.readUIntBE(at, 3)
      ) {
        if (bytes[at + 3] === 1)
          socket.write(frame(1, 5, bytes.readUInt32BE(at + 5), blocks[told++] ?? Buffer.alloc(0)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const client = http2.connect(`http://127.0.0.1:${port}`);
  for (let round = 0; round < 3; round++) {
    const response = await new Promise<http2.IncomingHttpHeaders>((resolve, reject) => {
      client.request().on('response', resolve).on('error', reject).end();
    });
    for (const [field, text] of Object.entries(headers)) assert.equal(response[field], text);
  }
  client.destroy();
  server.close();
});

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
