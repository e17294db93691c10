import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyDecoder } from './body.ts';
import { PLAIN_COMMON, plainServerCodec } from './codec-config.ts';
import { parseRequestHead, parseResponseHead, RequestHead, ResponseHead } from './head.ts';

const { head: LIMITS, trailers: TRAILERS } = plainServerCodec(PLAIN_COMMON, 61_440);
const SAMPLES = process.env['CILIATE_HTTP1_SAMPLES'] ?? '/work/shared/data/http1';

function request(text: string): { readonly outcome: string; readonly head: RequestHead } {
  const head = new RequestHead();
  const bytes = Buffer.from(text, 'latin1');
  const result = parseRequestHead(bytes, 0, bytes.length, LIMITS, head);
  const outcome = result === undefined ? 'more' : typeof result === 'number' ? `ok ${result}` : result.details;
  return { outcome, head };
}

const line = 'GET / HTTP/1.1\r\n';
const refused: readonly (readonly [string, string, string])[] = [
  [
    'length with chunked',
    `${line}Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'http1.content_length_and_chunked_not_allowed',
  ],
  ['two lengths', `${line}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`, 'http1.codec_error'],
  ['a list of lengths', `${line}Content-Length: 5, 5\r\n\r\n`, 'http1.codec_error'],
  ['a signed length', `${line}Content-Length: +5\r\n\r\n`, 'http1.codec_error'],
  ['an empty length', `${line}Content-Length: \r\n\r\n`, 'http1.codec_error'],
  ['an unknown coding', `${line}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'http1.invalid_transfer_encoding'],
  [
    'chunked twice',
    `${line}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'http1.invalid_transfer_encoding',
  ],
  ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n', 'http1.codec_error'],
  ['a bare line feed after a value', `${line}Host: a\nB: c\r\n\r\n`, 'http1.invalid_characters'],
  ['a bare carriage return', `${line}Host: a\rB\r\n\r\n`, 'http1.invalid_characters'],
  ['a NUL in a value', `${line}Host: a\0\r\n\r\n`, 'http1.invalid_characters'],
  ['a space before the colon', `${line}Host : a\r\n\r\n`, 'http1.codec_error'],
  ['a folded line', `${line}A: b\r\n c\r\n\r\n`, 'http1.codec_error'],
  ['a line without colon', `${line}abc\r\n\r\n`, 'http1.codec_error'],
  ['an empty name', `${line}: a\r\n\r\n`, 'http1.codec_error'],
  ['two hosts', `${line}Host: a\r\nHost: a\r\n\r\n`, 'http.invalid_authority'],
  ['an unknown method', 'FOO / HTTP/1.1\r\n\r\n', 'http1.codec_error'],
  ['a lower-case method', 'get / HTTP/1.1\r\n\r\n', 'http1.codec_error'],
  ['a space in the target', 'GET /a b HTTP/1.1\r\n\r\n', 'http1.codec_error'],
  ['another version', 'GET / HTTP/2.0\r\n\r\n', 'low_version'],
  ['a nominated x-forwarded-for', `${line}Connection: x-forwarded-for\r\n\r\n`, 'http1.connection_header_rejected'],
  ['too many headers', `${line}${'a: b\r\n'.repeat(101)}\r\n`, 'http1.too_many_headers'],
  ['too large a head', `${line}a: ${'b'.repeat(61_440)}\r\n\r\n`, 'http1.headers_too_large'],
];

for (const [what, text, details] of refused)
  test(`refuses ${what}`, () => assert.equal(request(text).outcome, details));

test('reads a head: names lower case, values trimmed, connection acted on', () => {
  const text = `POST /p?q HTTP/1.1\r\nHost: h:1\r\nX-A:  b \t\r\nConnection: close, X-B\r\nX-B: c\r\nContent-Length: 3\r\n\r\nabc`;
  const { outcome, head } = request(text);
  assert.equal(outcome, `ok ${text.length - 3}`);
  assert.deepEqual([head.method, head.path, head.authority, head.minor], ['POST', '/p?q', 'h:1', 1]);
  assert.deepEqual(head.headers.list(), [
    ['x-a', 'b'],
    ['content-length', '3'],
  ]);
  assert.deepEqual([head.framing.close, head.framing.contentLength], [true, 3]);
});

test('every prefix of a head wants more, and no split changes the result', () => {
  const text = `${line}Host: a\r\nAccept: */*\r\n\r\n`;
  for (let length = 0; length < text.length; length++) assert.equal(request(text.slice(0, length)).outcome, 'more');
});

test('reads a response head', () => {
  const head = new ResponseHead();
  const bytes = Buffer.from('HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n');
  assert.equal(parseResponseHead(bytes, 0, bytes.length, LIMITS, head), bytes.length);
  assert.deepEqual([head.status, head.framing.contentLength], [200, 0]);
});

/** Payload of a chunked body that comes in pieces, and where it ends; -1 when it is refused. */
function unchunk(pieces: readonly Buffer[]): { readonly payload: string; readonly end: number } {
  const decoder = new BodyDecoder();
  decoder.reset('chunked', 0, TRAILERS);
  let payload = '';
  let total = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    const at = decoder.decode(bytes, 0, bytes.length);
    if (decoder.fault) return { payload, end: -1 };
    payload += bytes.toString('latin1', decoder.start, decoder.end);
    total += at;
    if (decoder.done) return { payload, end: total };
  }
  return { payload, end: -2 };
}

const brokenChunks: readonly (readonly [string, string])[] = [
  ['no size', '\r\n'],
  ['a size that is no number', 'x\r\n'],
  ['a bare line feed after the size', '1\na\r\n0\r\n\r\n'],
  ['white space before the size', ' 1\r\na\r\n'],
  ['too much data', '1\r\nab\r\n'],
  ['a huge size', 'fffffffffffffffff\r\n'],
  ['a bare line feed in an extension', '1;a\nb\r\n'],
  ['a bare carriage return after data', '1\r\na\rb'],
  ['a folded trailer', '0\r\n a: b\r\n\r\n'],
];
for (const [what, text] of brokenChunks) {
  test(`refuses a chunk with ${what}`, () => assert.equal(unchunk([Buffer.from(text, 'latin1')]).end, -1));
}

test('decodes chunks however they are split, and drops extensions and trailers', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }), { maxLength: 6 }),
      fc.array(fc.nat(400), { maxLength: 8 }),
      (chunks, cuts) => {
        const body = `${chunks.map((chunk) => `${chunk.length.toString(16)};x=1\r\n${chunk}\r\n`).join('')}0\r\nT: v\r\n\r\n`;
        const bytes = Buffer.from(`${body}NEXT`, 'latin1');
        const points = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
        const pieces = points.slice(1).map((point, index) => bytes.subarray(points[index], point));
        assert.deepEqual(unchunk(pieces), { payload: chunks.join(''), end: body.length });
      },
    ),
  );
});

test('trailers that come byte by byte are kept, each read but a few times', () => {
  const decoder = new BodyDecoder();
  decoder.reset('chunked', 0, { ...TRAILERS, keep: true });
  const bytes = Buffer.from(`0\r\n${`a: ${'x'.repeat(590)}\r\n`.repeat(95)}\r\nNEXT`, 'latin1');
  const started = performance.now();
  let at = 0;
  while (!decoder.done) at = decoder.decode(bytes, at, at + 1);
  assert.equal(at, bytes.length - 4);
  assert.equal(decoder.trailers?.all('a').length, 95);
  // Reading all of them again with each byte takes ten times as long and more.
  assert.ok(performance.now() - started < 3000);
});

test('too many bytes of trailers are refused before they are complete', () => {
  const text = `0\r\na: ${'x'.repeat(TRAILERS.maxBytes)}`;
  assert.equal(unchunk([Buffer.from(text.slice(0, 100)), Buffer.from(text.slice(100))]).end, -1);
});

test('any bytes: a result and no exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      const result = parseRequestHead(buffer, 0, buffer.length, LIMITS, new RequestHead());
      if (typeof result === 'number') assert.ok(result <= buffer.length);
      parseResponseHead(buffer, 0, buffer.length, LIMITS, new ResponseHead());
    }),
  );
});

test('samples of other parsers: a result for each prefix, and no exception', (context) => {
  if (!existsSync(SAMPLES)) {
    console.log(`SKIPPED: no HTTP/1 samples at ${SAMPLES}`);
    context.skip(`no HTTP/1 samples at ${SAMPLES}`);
    return;
  }
  let count = 0;
  for (const file of readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  )) {
    const text = readFileSync(path.join(SAMPLES, file), 'utf8');
    for (const [, sample = ''] of text.matchAll(/```http\n([\s\S]*?)```/g)) {
      const wire = sample
        .replaceAll(/(?<!\\r)\\n/g, '\n')
        .replaceAll('\\r', '\r')
        .replaceAll('\\t', '\t')
        .replaceAll(/(?<!\r)\n/g, '\r\n');
      const bytes = Buffer.from(wire, 'latin1');
      for (let length = 0; length <= bytes.length; length++) {
        parseRequestHead(bytes, 0, length, LIMITS, new RequestHead());
        parseResponseHead(bytes, 0, length, LIMITS, new ResponseHead());
      }
      count++;
    }
  }
  console.log(`${count} samples`);
  assert.ok(count > 100);
});
