import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { compileJsonFormat } from './json.ts';
import { Line, textOf } from './line.ts';
import { compileLine } from './substitution.ts';

const here = { address: '127.0.0.1', port: 1 };

function info(header = ''): StreamInfo {
  const made = new StreamInfo({ remote: here, directRemote: here, local: here });
  made.request = new RequestHead();
  made.request.method = 'GET';
  if (header !== '') made.request.headers.add('x', header);
  made.status = 200;
  return made;
}

function render(format: Parameters<typeof compileJsonFormat>[0], omitEmpty = false, header = ''): string {
  const compiled = compileJsonFormat(format, omitEmpty);
  assert.ok(compiled.ok);
  return textOf(compiled.value)(info(header));
}

test('single commands keep their type, text around them makes a string', () => {
  assert.equal(
    render({ code: '%RESPONSE_CODE%', line: '%REQ(:METHOD)% %RESPONSE_CODE%', fixed: 1, list: [true, null] }),
    '{"code":200,"fixed":1,"line":"GET 200","list":[true,null]}',
  );
});

test('absent values are null, or left out', () => {
  const format = { a: '%REQ(Y)%', b: { c: '%REQ(Y)%' }, d: '%REQ(X):2%', e: 'x %REQ(Y)%' };
  assert.equal(render(format, false, 'abc'), '{"a":null,"b":{"c":null},"d":"ab","e":"x -"}');
  assert.equal(render(format, true, 'abc'), '{"b":{},"d":"ab","e":"x "}');
  assert.equal(render({}), '{}');
});

/** Header values are latin1, long ones too. */
const latin1 = fc.uint8Array({ minLength: 1, maxLength: 3000 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

test('any header value becomes a string that reads back as it was', () => {
  fc.assert(
    fc.property(latin1, (value) => {
      assert.deepEqual(JSON.parse(render({ 'a"\n': '%REQ(X)%', b: 'v=%REQ(X)%' }, false, value)), {
        'a"\n': value,
        b: `v=${value}`,
      });
    }),
  );
});

/** Values that come again, some of them at once, as hosts and paths do; `undefined`: what was written so far is gone. */
const values = fc.array(
  fc.oneof(fc.constantFrom('', 'a', '/api/"v1"/', 'x'.repeat(200)), latin1, fc.constant(undefined)),
  {
    maxLength: 40,
  },
);

test('one line after the other says what each request had, whatever the one before had', () => {
  const json = compileJsonFormat({ x: '%REQ(X)%', y: ['%REQ(X)%', '%REQ(X):3%'] }, false);
  const text = compileLine('<%REQ(X)%|%REQ(X):3%>', '-');
  assert.ok(json.ok && text.ok);
  fc.assert(
    fc.property(values, (list) => {
      const line = new Line(64);
      let expected = '';
      for (const value of list) {
        if (value === undefined) {
          line.clear();
          expected = '';
          continue;
        }
        const start = line.length;
        json.value(info(value), line);
        const shown = value === '' ? null : value;
        assert.deepEqual(JSON.parse(line.toString().slice(start)), {
          x: shown,
          y: [shown, shown?.slice(0, 3) ?? null],
        });
        expected += line.toString().slice(start);
        text.value(info(value), line);
        expected += `<${shown ?? '-'}|${shown?.slice(0, 3) ?? '-'}>`;
        assert.equal(line.toString(), expected);
      }
    }),
  );
});

test('numbers are written as digits', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(), fc.integer(), fc.maxSafeInteger(), fc.constantFrom(0, 9, 10, 99, 100, 2 ** 30)),
      (number) => {
        const line = new Line(4);
        line.number(number);
        assert.equal(line.toString(), String(number));
      },
    ),
  );
});
