import zlib from 'node:zlib';
import { type Fields, typeName } from '../../config/fields.ts';
import { Engine } from './engine.ts';
import { readDictionary } from './zstd-dictionary.ts';

/** Makes a message smaller, piece by piece. */
export interface Compressor {
  /** What a piece comes to; `done`: it is the last. */
  compress(bytes: Buffer, done: boolean): Buffer;
  close(): void;
}

/** A configured library of compressors. */
export interface CompressorLibrary {
  /** As in `content-encoding`. */
  readonly encoding: string;
  /** As in names of statistics. */
  readonly statName: string;
  create(): Compressor;
}

const TYPE = (name: string): string => `envoy.extensions.compression.${name}.compressor.v3.${NAMES[name] ?? ''}`;
const NAMES: Readonly<Record<string, string>> = { gzip: 'Gzip', brotli: 'Brotli', zstd: 'Zstd' };
const READERS: ReadonlyMap<string, (fields: Fields) => CompressorLibrary> = new Map([
  [TYPE('gzip'), readGzip],
  [TYPE('brotli'), readBrotli],
  [TYPE('zstd'), readZstd],
]);

/** A library as the configuration names and sets it. */
export interface NamedLibrary<Library> {
  readonly name: string;
  readonly library: Library;
}

/** Reads an extension that is one of some libraries. */
export function readLibrary<Library>(
  fields: Fields,
  readers: ReadonlyMap<string, (fields: Fields) => Library>,
): NamedLibrary<Library> | undefined {
  const name = fields.text('name');
  const library = fields.message('typed_config', (inner) => {
    const type = typeName(inner.json);
    const read = readers.get(type);
    if (read) return read(inner);
    inner.ignore(...Object.keys(inner.json));
    inner.problem(
      '@type',
      `${JSON.stringify(type)} is not supported by ciliate-proxy here`,
      [...readers.keys()].join(', '),
    );
    return undefined;
  });
  if (!fields.has('typed_config')) fields.problem('typed_config', 'value is required', [...readers.keys()].join(', '));
  return library && { name, library };
}

export const readCompressorLibrary = (fields: Fields): NamedLibrary<CompressorLibrary> | undefined =>
  readLibrary(fields, READERS);

/** Bytes of output made at a time. */
export const chunkSize = (fields: Fields): number => fields.number('chunk_size') ?? 4096;

/** Level and strategy of zlib by Envoy's names. */
const LEVELS = new Map([
  ['DEFAULT_COMPRESSION', zlib.constants.Z_DEFAULT_COMPRESSION],
  ['BEST_SPEED', 1],
  ...Array.from({ length: 9 }, (_, at) => [`COMPRESSION_LEVEL_${at + 1}`, at + 1] as const),
  ['BEST_COMPRESSION', 9],
]);
const STRATEGIES = ['DEFAULT_STRATEGY', 'FILTERED', 'HUFFMAN_ONLY', 'RLE', 'FIXED'] as const;

function readGzip(fields: Fields): CompressorLibrary {
  const level = fields.choice('compression_level', [...LEVELS.keys()] as [string, ...string[]]);
  const options: zlib.ZlibOptions = {
    level: LEVELS.get(level) ?? -1,
    memLevel: fields.number('memory_level') ?? 5,
    strategy: STRATEGIES.indexOf(fields.choice('compression_strategy', [...STRATEGIES])),
    windowBits: fields.number('window_bits') ?? 12,
  };
  const chunk = chunkSize(fields);
  const { Z_SYNC_FLUSH, Z_FINISH } = zlib.constants;
  return {
    encoding: 'gzip',
    statName: 'gzip',
    create: () => compressorOf(new Engine(zlib.createGzip(options), chunk), Z_SYNC_FLUSH, Z_FINISH),
  };
}

const MODES = ['DEFAULT', 'GENERIC', 'TEXT', 'FONT'] as const;

function readBrotli(fields: Fields): CompressorLibrary {
  const { constants } = zlib;
  const mode = fields.choice('encoder_mode', [...MODES]);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: fields.number('quality') ?? 3,
    [constants.BROTLI_PARAM_MODE]: Math.max(0, MODES.indexOf(mode) - 1),
    [constants.BROTLI_PARAM_LGWIN]: fields.number('window_bits') ?? 18,
    [constants.BROTLI_PARAM_LGBLOCK]: fields.number('input_block_bits') ?? 24,
    [constants.BROTLI_PARAM_DISABLE_LITERAL_CONTEXT_MODELING]: fields.flag('disable_literal_context_modeling'),
  };
  const chunk = chunkSize(fields);
  const { BROTLI_OPERATION_FLUSH, BROTLI_OPERATION_FINISH } = constants;
  return {
    encoding: 'br',
    statName: 'brotli',
    create: () =>
      compressorOf(
        new Engine(zlib.createBrotliCompress({ params }), chunk),
        BROTLI_OPERATION_FLUSH,
        BROTLI_OPERATION_FINISH,
      ),
  };
}

const ZSTD_STRATEGIES = [
  'DEFAULT',
  'FAST',
  'DFAST',
  'GREEDY',
  'LAZY',
  'LAZY2',
  'BTLAZY2',
  'BTOPT',
  'BTULTRA',
  'BTULTRA2',
] as const;
/** The library takes higher ones for this. */
const MAX_ZSTD_LEVEL = 22;

function readZstd(fields: Fields): CompressorLibrary {
  const { constants } = zlib;
  const params = {
    [constants.ZSTD_c_compressionLevel]: Math.min(MAX_ZSTD_LEVEL, fields.number('compression_level') ?? 3),
    [constants.ZSTD_c_checksumFlag]: fields.flag('enable_checksum') ? 1 : 0,
    [constants.ZSTD_c_strategy]: ZSTD_STRATEGIES.indexOf(fields.choice('strategy', [...ZSTD_STRATEGIES])),
  };
  const dictionary = fields.message('dictionary', readDictionary);
  const options = { params, ...(dictionary ? { dictionary: dictionary.bytes } : {}) };
  const chunk = chunkSize(fields);
  const { ZSTD_e_continue, ZSTD_e_end } = constants;
  return {
    encoding: 'zstd',
    statName: 'zstd',
    // As in Envoy a piece stays where it is until a block is full.
    create: () => compressorOf(new Engine(zlib.createZstdCompress(options), chunk), ZSTD_e_continue, ZSTD_e_end),
  };
}

function compressorOf(engine: Engine, flush: number, finish: number): Compressor {
  return {
    compress: (bytes, done) => engine.feed(bytes, done ? finish : flush),
    close: () => engine.close(),
  };
}
