import zlib from 'node:zlib';
import type { Fields } from '../../config/fields.ts';
import type { StatsScope } from '../../stats/store.ts';
import { chunkSize, type NamedLibrary, readLibrary } from './compressors.ts';
import { Engine } from './engine.ts';
import { GzipReader } from './gzip-reader.ts';
import { BROTLI_STATS, countZlib, countZstd, ZLIB_STATS, ZSTD_STATS } from './stats.ts';
import { readDictionary, wantedDictionary } from './zstd-dictionary.ts';

/** Gives a message as it was before it was made smaller, piece by piece. Faults are counted, and what is left of it is what could be read. */
export interface Decompressor {
  /** `done`: it is the last. */
  decompress(bytes: Buffer, done: boolean): Buffer;
  close(): void;
}

/** A configured library of decompressors. */
export interface DecompressorLibrary {
  /** As in `content-encoding`. */
  readonly encoding: string;
  /** As in names of statistics. */
  readonly statName: string;
  /** `prefix` is that of the library's own statistics. */
  prepare(stats: StatsScope, prefix: string): () => Decompressor;
}

const READERS: ReadonlyMap<string, (fields: Fields) => DecompressorLibrary> = new Map([
  ['envoy.extensions.compression.gzip.decompressor.v3.Gzip', readGzip],
  ['envoy.extensions.compression.brotli.decompressor.v3.Brotli', readBrotli],
  ['envoy.extensions.compression.zstd.decompressor.v3.Zstd', readZstd],
]);

export const readDecompressorLibrary = (fields: Fields): NamedLibrary<DecompressorLibrary> | undefined =>
  readLibrary(fields, READERS);

/** How often a piece may be larger than it came, where the library has no field for it. */
const MAX_RATIO = 100;
const NOTHING = Buffer.alloc(0);

function readGzip(fields: Fields): DecompressorLibrary {
  const windowBits = fields.number('window_bits') ?? 15;
  const ratio = fields.number('max_inflate_ratio') ?? MAX_RATIO;
  const chunk = chunkSize(fields);
  return {
    encoding: 'gzip',
    statName: 'gzip',
    prepare: (scope, prefix) => {
      const stats = scope.get(ZLIB_STATS, prefix);
      return () => {
        const reader = new GzipReader(windowBits, chunk);
        return {
          decompress: (bytes) => {
            let bomb = false;
            const limit = ratio * bytes.length;
            const body = reader.feed(bytes, (_, size) => {
              bomb = size > limit;
              return bomb;
            });
            if (bomb) stats.dataError++;
            if (reader.error !== '') countZlib(stats, reader.error);
            return body;
          },
          close: () => reader.close(),
        };
      };
    },
  };
}

function readBrotli(fields: Fields): DecompressorLibrary {
  const params = {
    [zlib.constants.BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION]: fields.flag(
      'disable_ring_buffer_reallocation',
    ),
  };
  const chunk = chunkSize(fields);
  return {
    encoding: 'br',
    statName: 'brotli',
    prepare: (scope, prefix) => {
      const stats = scope.get(BROTLI_STATS, prefix);
      return () => {
        const engine = new Engine(zlib.createBrotliDecompress({ params }), chunk);
        return {
          decompress: (bytes, done) => {
            let bomb = false;
            const limit = MAX_RATIO * bytes.length;
            const body = engine.feed(bytes, zlib.constants.BROTLI_OPERATION_PROCESS, (before) => {
              bomb = before > limit;
              return bomb;
            });
            if (bomb || engine.error !== '') stats.error++;
            // To Envoy the end of a message comes by itself, and fails again.
            if (done && bytes.length > 0 && engine.error !== '') stats.error++;
            return body;
          },
          close: () => engine.close(),
        };
      };
    },
  };
}

/** Dictionaries by their number. */
type Dictionaries = ReadonlyMap<number, Buffer>;

function readZstd(fields: Fields): DecompressorLibrary {
  const dictionaries: Dictionaries = new Map(
    fields.list('dictionaries', readDictionary).map(({ number, bytes }) => [number, bytes] as const),
  );
  const chunk = chunkSize(fields);
  return {
    encoding: 'zstd',
    statName: 'zstd',
    prepare: (scope, prefix) => {
      const stats = scope.get(ZSTD_STATS, prefix);
      return () => {
        let engine: Engine | undefined;
        return {
          decompress: (bytes) => {
            if (bytes.length === 0) return NOTHING;
            if (!engine) {
              const wanted = dictionaries.size > 0 ? wantedDictionary(bytes) : 0;
              const dictionary = dictionaries.get(wanted);
              if (wanted !== 0 && !dictionary) {
                stats.dictionaryError++;
                return NOTHING;
              }
              engine = new Engine(zlib.createZstdDecompress(dictionary ? { dictionary } : {}), chunk);
            }
            const { body, error } = inflateFrames(engine, bytes);
            if (error !== '') countZstd(stats, error);
            return body;
          },
          close: () => engine?.close(),
        };
      };
    },
  };
}

/** A piece may hold several frames. They are bounded, which Envoy's are not: a few bytes of zstd can come to gigabytes. */
function inflateFrames(engine: Engine, bytes: Buffer): { readonly body: Buffer; readonly error: string } {
  const limit = MAX_RATIO * bytes.length;
  const bodies: Buffer[] = [];
  let made = 0;
  let rest = bytes;
  for (;;) {
    let bomb = false;
    const before = made;
    const body = engine.feed(rest, zlib.constants.ZSTD_e_continue, (_, size) => {
      bomb = before + size > limit;
      return bomb;
    });
    bodies.push(body);
    made += body.length;
    const error = bomb ? 'excessive' : engine.error;
    const done = engine.unread === 0 || engine.unread === rest.length;
    if (error !== '' || done) return { body: bodies.length === 1 ? body : Buffer.concat(bodies), error };
    rest = rest.subarray(rest.length - engine.unread);
  }
}
