import type { Fields } from '../../config/fields.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { HeaderMap } from '../../http/headers.ts';
import { readRuntimeFlag } from '../../runtime/read.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import { type StatsScope, sanitizeStatName } from '../../stats/store.ts';
import { type Decompressor, readDecompressorLibrary } from '../compression/decompressors.ts';
import { dropLength } from '../compression/framing.ts';
import { before, behind, hasToken, withEncoding } from '../compression/tokens.ts';
import type { BodyPiece, BodyVerdict, FilterHooks, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';

const TYPE = 'envoy.extensions.filters.http.decompressor.v3.Decompressor';

class DirectionStats {
  decompressed = 0;
  notDecompressed = 0;
  uncompressedBytes = 0;
  compressedBytes = 0;
}

const STATS = statsKind(DirectionStats, {
  decompressed: counter('decompressed'),
  notDecompressed: counter('not_decompressed'),
  uncompressedBytes: counter('total_uncompressed_bytes'),
  compressedBytes: counter('total_compressed_bytes'),
});

interface Direction {
  readonly enabled: () => boolean;
  readonly ignoresNoTransform: boolean;
  readonly stats: DirectionStats;
}

interface Config {
  readonly encoding: string;
  /** Adds what can be undone here to the request's `accept-encoding`. */
  readonly advertises: boolean;
  readonly request: Direction;
  readonly response: Direction;
  /** Trailers that say how many bytes there were and became. */
  readonly trailers: readonly [compressed: string, uncompressed: string];
  readonly create: () => Decompressor;
}

/** `envoy.filters.http.decompressor`: bodies in its encoding go on without it, in either direction. */
export const decompressorFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, { stats, statPrefix, runtime }) => {
    const named = fields.message('decompressor_library', readDecompressorLibrary);
    if (!fields.has('decompressor_library')) fields.problem('decompressor_library', 'value is required');
    const library = named?.library;
    const prefix = `${statPrefix}decompressor.${sanitizeStatName(named?.name ?? '')}.${library?.statName ?? ''}.`;
    const response = readDirection(fields, 'response_direction_config', {
      runtime,
      stats,
      prefix: `${prefix}response.`,
    });
    const request = readDirection(fields, 'request_direction_config', { runtime, stats, prefix: `${prefix}request.` });
    if (!named || !library) return undefined;
    const label = `x-envoy-decompressor-${named.name.toLowerCase()}`;
    const config: Config = {
      encoding: library.encoding,
      advertises: request.advertises,
      request,
      response,
      trailers: [`${label}-compressed-bytes`, `${label}-uncompressed-bytes`],
      create: library.prepare(stats, `${prefix}decompressor_library.`),
    };
    return { type: TYPE, bind: () => ({ begin: (stream) => hooksOf(stream, config) }) };
  },
};

interface Place {
  readonly runtime: Runtime;
  readonly stats: StatsScope;
  readonly prefix: string;
}

function readDirection(
  fields: Fields,
  key: 'request_direction_config' | 'response_direction_config',
  { runtime, stats, prefix }: Place,
): Direction & { readonly advertises: boolean } {
  const found = fields.message(key, (inner) => ({
    common: inner.message('common_config', (common) => ({
      enabled: common.message('enabled', (flag) => readRuntimeFlag(flag, runtime)),
      ignoresNoTransform: common.flag('ignore_no_transform_header'),
    })),
    advertises: key === 'request_direction_config' ? inner.boolean('advertise_accept_encoding') : undefined,
  }));
  return {
    enabled: found?.common?.enabled ?? (() => true),
    ignoresNoTransform: found?.common?.ignoresNoTransform ?? false,
    advertises: found?.advertises ?? true,
    stats: stats.get(STATS, prefix),
  };
}

function hooksOf(stream: FilterStream, config: Config): FilterHooks {
  const request = new Side(config, config.request, () => (stream.requestTrailers ??= new HeaderMap()));
  const response = new Side(config, config.response, () => (stream.responseTrailers ??= new HeaderMap()));
  return {
    request: {
      head: (_, { headers }, done) => {
        if (config.advertises && config.response.enabled()) {
          headers.set('accept-encoding', withEncoding(headers.joined('accept-encoding') ?? '', config.encoding));
        }
        return request.begin(stream.head, done);
      },
      body: (_, piece) => request.body(piece),
      trailers: (_, trailers) => {
        request.report(trailers);
        return undefined;
      },
    },
    response: {
      head: (_, head, done) => response.begin(head, done),
      body: (_, piece) => response.body(piece),
      trailers: (_, trailers) => {
        response.report(trailers);
        return undefined;
      },
    },
    onEnd: () => {
      request.close();
      response.close();
    },
  };
}

/** A message on its way through. */
class Side {
  readonly #config: Config;
  readonly #direction: Direction;
  /** Makes trailers where the message has none. */
  readonly #addTrailers: () => void;
  #decompressor: Decompressor | undefined = undefined;
  #compressed = 0;
  #uncompressed = 0;

  constructor(config: Config, direction: Direction, addTrailers: () => void) {
    this.#config = config;
    this.#direction = direction;
    this.#addTrailers = addTrailers;
  }

  begin({ headers, framing }: RequestHead | ResponseHead, done: boolean): HeadVerdict {
    if (done) return 'continue';
    const { enabled, ignoresNoTransform, stats } = this.#direction;
    const codings = headers.joined('content-encoding') ?? '';
    const kept = !ignoresNoTransform && hasToken(headers.joined('cache-control'), 'no-transform');
    if (!enabled() || kept || before(codings, ',').toLowerCase() !== this.#config.encoding) {
      stats.notDecompressed++;
      return 'continue';
    }
    stats.decompressed++;
    this.#decompressor = this.#config.create();
    dropLength(headers, framing);
    if (codings.includes(',')) headers.set('content-encoding', behind(codings, ',').trim());
    else headers.remove('content-encoding');
    return 'continue';
  }

  body(piece: BodyPiece): BodyVerdict {
    if (!this.#decompressor) return 'continue';
    const { stats } = this.#direction;
    const { length } = piece.bytes;
    piece.bytes = this.#decompressor.decompress(piece.bytes, piece.done);
    this.#compressed += length;
    this.#uncompressed += piece.bytes.length;
    stats.compressedBytes += length;
    stats.uncompressedBytes += piece.bytes.length;
    if (piece.done) this.#addTrailers();
    return 'continue';
  }

  report(trailers: HeaderMap): void {
    if (!this.#decompressor) return;
    const [compressed, uncompressed] = this.#config.trailers;
    trailers.add(compressed, String(this.#compressed));
    trailers.add(uncompressed, String(this.#uncompressed));
  }

  close(): void {
    this.#decompressor?.close();
  }
}
