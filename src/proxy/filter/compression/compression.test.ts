import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import zlib from 'node:zlib';
import type { Issue } from '../../../base/index.ts';
import { type JsonObject, readMessage } from '../../config/fields.ts';
import { StatsStore } from '../../stats/store.ts';
import { readCompressorLibrary } from './compressors.ts';
import { type Decompressor, readDecompressorLibrary } from './decompressors.ts';

const TEXT = Buffer.from('It is a text that says the same again and again. '.repeat(5000));
const unpack = { gzip: zlib.gunzipSync, brotli: zlib.brotliDecompressSync, zstd: zlib.zstdDecompressSync };
const pack = { gzip: zlib.gzipSync, brotli: zlib.brotliCompressSync, zstd: zlib.zstdCompressSync };
type Name = keyof typeof pack;
const names: readonly Name[] = ['gzip', 'brotli', 'zstd'];
const typeOf = (name: Name, kind: string): string =>
  `type.googleapis.com/envoy.extensions.compression.${name}.${kind}.v3.${name.charAt(0).toUpperCase()}${name.slice(1)}`;

function read<T>(name: Name, kind: string, options: JsonObject, reader: (fields: never) => T): T {
  const issues: Issue[] = [];
  const json = { name: 'x', typed_config: { '@type': typeOf(name, kind), ...options } };
  const found = readMessage(json, '', issues, reader as never) as T;
  assert.deepEqual(issues, []);
  return found;
}

function decompressorOf(name: Name, options: JsonObject = {}): { readonly run: Decompressor; errors(): number } {
  const store = new StatsStore();
  const found = read(name, 'decompressor', options, readDecompressorLibrary);
  assert.ok(found);
  const run = found.library.prepare(store.scope(), 'p.')();
  const errors = (): number =>
    store.read().reduce((sum, { value }) => sum + (typeof value === 'number' ? value : 0), 0);
  return { run, errors };
}

function pieces(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

for (const name of names) {
  test(`${name} goes both ways piece by piece, whatever the pieces`, () => {
    const random = randomBytes(50_000);
    for (const message of [TEXT, random, Buffer.alloc(0), Buffer.from('x')]) {
      const library = read(name, 'compressor', {}, readCompressorLibrary)?.library;
      assert.ok(library);
      for (const size of [1000, 4096, 70_000]) {
        const compressor = library.create();
        const parts = pieces(message, size);
        const out = parts.map((part, at) => compressor.compress(part, at === parts.length - 1));
        if (parts.length === 0) out.push(compressor.compress(Buffer.alloc(0), true));
        compressor.close();
        const packed = Buffer.concat(out);
        assert.ok(unpack[name](packed).equals(message));
        const { run, errors } = decompressorOf(name, name === 'gzip' ? { max_inflate_ratio: 1032 } : {});
        const back = pieces(pack[name](message), Math.max(1, Math.floor(size / 10))).map((part) =>
          run.decompress(part, false),
        );
        run.close();
        assert.ok(message !== random || Buffer.concat(back).equals(message));
        assert.ok(message !== random || errors() === 0);
      }
    }
  });

  test(`a bomb of ${name} is cut off and counted`, () => {
    const bomb = pack[name](Buffer.alloc(100_000_000));
    const { run, errors } = decompressorOf(name, { chunk_size: 65_536 });
    for (const part of pieces(bomb, 1000)) {
      const { length } = run.decompress(part, false);
      assert.ok(length <= 100 * part.length + 2 * 65_536, `${length} bytes of ${part.length}`);
    }
    run.close();
    assert.ok(errors() > 0);
  });

  test(`random bytes are no ${name}, and no harm`, () => {
    for (let round = 0; round < 50; round++) {
      const good = pack[name](TEXT);
      const bad = Buffer.from(good);
      bad[Math.floor(Math.random() * bad.length)] = Math.floor(Math.random() * 256);
      for (const bytes of [randomBytes(1000), bad, good.subarray(0, round), Buffer.concat([good, randomBytes(20)])]) {
        const { run } = decompressorOf(name);
        for (const part of pieces(bytes, 100))
          assert.ok(run.decompress(part, false).length <= 100 * part.length + 8192);
        run.decompress(Buffer.alloc(0), true);
        run.close();
      }
    }
  });
}

test('a header of gzip that has no end is given up', () => {
  const { run, errors } = decompressorOf('gzip');
  run.decompress(Buffer.from('1f8b0808000000000003', 'hex'), false);
  for (let sent = 0; sent < 200_000 && errors() === 0; sent += 10_000) run.decompress(Buffer.alloc(10_000, 'n'), false);
  run.close();
  assert.ok(errors() > 0);
});
