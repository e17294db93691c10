import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLAIN_COMMON, plainServerCodec } from './codec-config.ts';
import { parseRequestHead, RequestHead } from './head.ts';

const { head: LIMITS } = plainServerCodec(PLAIN_COMMON, 61_440);
/** Makes a line too long to be kept, and belongs to no value. */
const PADDING = ' '.repeat(200);

/** What a request with that line is read as, without the sizes. */
function read(line: string, cut = 0): unknown {
  const head = new RequestHead();
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${line}\r\nb: c\r\n\r\n`, 'latin1');
  const outcome = parseRequestHead(bytes, 0, bytes.length - cut, LIMITS, head);
  const { headers, framing, authority } = head;
  return [typeof outcome === 'number' ? 'ok' : outcome, headers.list(), framing, authority];
}

const LINES = [
  'Host: api.test',
  'x: y',
  'Accept:\t*/* ',
  'content-length: 12',
  'Connection: close',
  'a:',
  'Some-Longer_Name: with "text"',
];
const OTHERS = [0, 9, 10, 13, 0x20, 0x3a, 0x41, 0x5f, 0x61, 0x7f, 0x80, 0xff].map((code) => String.fromCharCode(code));

for (const line of LINES)
  test(`a line is read the same however often it came: ${line}`, () => {
    const once = read(line + PADDING);
    for (let time = 0; time < 4; time++) assert.deepEqual(read(line), once);
  });

test('a line that differs in one byte from a known one is read as itself', () => {
  for (const line of LINES) {
    for (let time = 0; time < 3; time++) read(line);
    for (let at = 0; at < line.length; at++) {
      for (const other of OTHERS) {
        const changed = line.slice(0, at) + other + line.slice(at + 1);
        const once = read(changed + PADDING);
        for (let time = 0; time < 3; time++) assert.deepEqual(read(changed), once, JSON.stringify(changed));
      }
    }
  }
});

test('a known line ends with CR and LF and nothing less', () => {
  for (let time = 0; time < 3; time++) read('p: q');
  assert.deepEqual(read('p: q\r'), read(`p: q${PADDING}\r`));
  assert.deepEqual(read('p: q\n'), read(`p: q${PADDING}\n`));
  assert.deepEqual(read('p: q\rr: s'), read(`p: q${PADDING}\rr: s`));
  for (let cut = 1; cut < 14; cut++)
    assert.deepEqual(read('p: q', cut), read(`p: q${PADDING}`, cut), `${cut} bytes cut`);
});
