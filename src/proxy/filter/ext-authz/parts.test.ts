import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeResource } from '../../../model/envoy/index.ts';
import { verdictOf } from './grpc-check.ts';
import { changeQuery, isUrlEncoded } from './query.ts';

test('query parameters are written anew, sorted and as they were sent', () => {
  assert.equal(changeQuery('/p?c=3&b=2&a=1&a=11&d=%20x', [['a', 'new']], ['c']), '/p?a=new&b=2&d=%20x');
  assert.equal(changeQuery('/p', [['a', 'b']], []), '/p?a=b');
  assert.equal(changeQuery('/p?a=1', [], ['a']), '/p');
  assert.equal(changeQuery('/p?flag', [], []), '/p?flag=');
  assert.equal(changeQuery('/p?a=1&', [], []), '/p?a=1');
  assert.deepEqual(['a%20b', 'a b', 'a&b', '%2', '~'].map(isUrlEncoded), [true, false, false, false, true]);
});

test('an answer that is no CheckResponse is a failure', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const { kind } = verdictOf(Buffer.from(bytes), true);
      assert.ok(['ok', 'denied', 'error', 'invalid'].includes(kind));
    }),
  );
  assert.equal(verdictOf(Buffer.from([0x0a, 0xff, 0x01]), false).kind, 'error');
});

test('an unknown way to add a response header is no answer where mutations are validated', () => {
  const header = { header: { key: 'a', value: 'b' }, append_action: 7 };
  const bytes = Buffer.from(
    encodeResource('envoy.service.auth.v3.CheckResponse', { ok_response: { response_headers_to_add: [header] } }),
  );
  assert.equal(verdictOf(bytes, true).kind, 'invalid');
  assert.equal(verdictOf(bytes, false).kind, 'ok');
});
