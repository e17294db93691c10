import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { compileJsonFormat } from './json.ts';
import { textOf } from './line.ts';

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
