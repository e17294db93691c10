import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DecodeError, decodeJson } from './json.ts';
import { decodeProtobuf } from './protobuf.ts';
import { decodeYaml } from './yaml.ts';

describe('JSON', () => {
  test('duplicate keys are named by path', () => {
    const text = '{"a":{"b":1,"b":2},"c":[{"d":"x,{}\\"","d":1}],"a":3}';
    assert.deepEqual(decodeJson(text).duplicates, ['a.b', 'c[0].d', 'a']);
    assert.equal(decodeJson(`{${'"a":1,'.repeat(5000)}"a":1}`).duplicates.length, 32);
  });

  const refused: readonly [string, string][] = [
    ['a prototype key', '{"metadata":{"__proto__":{"x":1}}}'],
    ['an escaped prototype key', '{"\\u005f_proto__":1}'],
    ['deep nesting', '['.repeat(100_000)],
    ['half a document', '{"a":'],
    ['nothing', ''],
  ];
  for (const [name, text] of refused) test(`refuses ${name}`, () => assert.throws(() => decodeJson(text), DecodeError));

  test('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        if (text.includes('__proto__')) return;
        assert.deepEqual(decodeJson(text), { value: JSON.parse(text), duplicates: [] });
      }),
    );
  });

  test('any text is read or refused with a DecodeError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeJson(text);
        } catch (error) {
          assert(error instanceof DecodeError);
        }
      }),
    );
  });
});

describe('YAML', () => {
  test('duplicate keys are named by path', () => {
    assert.deepEqual(decodeYaml('a:\n  b: 1\n  b: 2\nc:\n- d: 1\n  d: 2\n').duplicates, ['a.b', 'c[0].d']);
  });

  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`),
  ].join('\n');
  const refused: readonly [string, string][] = [
    ['a prototype key', '__proto__: {x: 1}'],
    ['an alias bomb', bomb],
    ['deep nesting', '['.repeat(2000) + ']'.repeat(2000)],
    ['broken text', 'a: [1'],
  ];
  for (const [name, text] of refused) test(`refuses ${name}`, () => assert.throws(() => decodeYaml(text), DecodeError));
});

describe('protobuf', () => {
  const bytes = (field: number, content: Buffer | string) => {
    const body = Buffer.from(content);
    assert(body.length < 128);
    return Buffer.concat([Buffer.from([(field << 3) | 2, body.length]), body]);
  };
  const envelope = (apiVersion: string, kind: string, raw: Buffer) =>
    Buffer.concat([
      Buffer.from('k8s\0'),
      bytes(1, Buffer.concat([bytes(1, apiVersion), bytes(2, kind)])),
      bytes(2, raw),
    ]);
  const metadata = bytes(1, bytes(1, 'name'));

  test('maps, bytes, embedded structs and int-or-string', () => {
    const data = bytes(2, Buffer.concat([bytes(1, 'k'), bytes(2, 'v')]));
    assert.deepEqual(decodeProtobuf(envelope('v1', 'Secret', Buffer.concat([metadata, data]))), {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'name' },
      data: { k: 'dg==' },
    });
    const target = Buffer.from([0x08, 0, 0x10, 80]);
    const port = Buffer.concat([Buffer.from([3 << 3, 80]), bytes(4, target)]);
    const service = decodeProtobuf(envelope('v1', 'Service', bytes(2, bytes(1, port))));
    assert.deepEqual(service, { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80, targetPort: 80 }] } });
    const volume = Buffer.concat([bytes(1, 'v'), bytes(2, bytes(2, ''))]);
    assert.deepEqual(decodeProtobuf(envelope('v1', 'Pod', bytes(2, bytes(1, volume)))), {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { volumes: [{ name: 'v', emptyDir: {} }] },
    });
  });

  test('an empty time is no time', () => {
    const raw = bytes(1, Buffer.concat([bytes(1, 'n'), bytes(8, '')]));
    assert.deepEqual(decodeProtobuf(envelope('v1', 'ConfigMap', raw)), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'n' },
    });
  });

  test('any bytes are read or refused with a DecodeError', () => {
    const good = envelope('v1', 'Pod', Buffer.concat([metadata, bytes(2, bytes(2, bytes(1, 'a')))]));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(good.length), (noise, cut) => {
        for (const body of [
          Buffer.concat([Buffer.from('k8s\0'), noise]),
          Buffer.concat([good.subarray(0, cut), noise]),
        ]) {
          try {
            decodeProtobuf(body);
          } catch (error) {
            assert(error instanceof DecodeError, String(error));
          }
        }
      }),
    );
  });
});
