import type { RequestHead } from '../../http/head.ts';
import type { Compressor, CompressorLibrary } from '../compression/compressors.ts';
import { dropLength } from '../compression/framing.ts';
import type { BodyPiece, BodyVerdict, FilterHooks, FilterKind, FilterStream } from '../filter.ts';
import {
  type CompressorConfig,
  type CompressorOverride,
  type Direction,
  readCompressor,
  readCompressorOverride,
} from './config.ts';
import { judgeResponse } from './response.ts';
import type { DirectionStats } from './stats.ts';
import { together } from './together.ts';
import { hasType, isLongEnough } from './worth.ts';

const TYPE = 'envoy.extensions.filters.http.compressor.v3.Compressor';

/** `envoy.filters.http.compressor`: makes bodies smaller for clients that say they understand it, and on request those of requests. */
export const compressorFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const config = readCompressor(fields, context);
    if (!config) return undefined;
    return {
      type: TYPE,
      bind: ([override]) => {
        const own = overridden(config, override as CompressorOverride | undefined);
        return { begin: (stream) => hooksOf(stream, own) };
      },
    };
  },
  routeType: 'envoy.extensions.filters.http.compressor.v3.CompressorPerRoute',
  readRoute: readCompressorOverride,
};

function overridden(config: CompressorConfig, override: CompressorOverride | undefined): CompressorConfig {
  if (!override) return config;
  const { enabled, removesAccept, library } = override;
  return {
    ...config,
    library: library ?? config.library,
    response: {
      ...config.response,
      ...(enabled === undefined ? {} : { enabled: () => enabled }),
      ...(removesAccept === undefined ? {} : { removesAccept }),
    },
  };
}

function hooksOf(stream: FilterStream, config: CompressorConfig): FilterHooks {
  const { library, response } = config;
  const all = together(stream);
  all.candidates.push({ encoding: library.encoding, types: response.types, chooseFirst: config.chooseFirst });
  let accept: string | undefined;
  const sent = new Side(library, config.requestStats);
  const received = new Side(library, response.stats);
  return {
    request: {
      head: (_, head, done) => {
        const { headers } = head;
        accept = headers.joined('accept-encoding');
        if (response.removesAccept && response.enabled()) headers.remove('accept-encoding');
        if (!done && config.request && isWorthIt(head, config.request)) {
          dropLength(headers, head.framing);
          headers.set('content-encoding', library.encoding);
          sent.begin();
        } else config.requestStats.notCompressed++;
        return 'continue';
      },
      body: (_, piece) => sent.body(piece),
    },
    response: {
      head: (_, head, done) => {
        if (judgeResponse(head, done, { config, accept, all })) received.begin();
        else response.stats.notCompressed++;
        return 'continue';
      },
      body: (_, piece) => received.body(piece),
    },
    onEnd: () => {
      sent.close();
      received.close();
    },
  };
}

function isWorthIt({ headers, framing }: RequestHead, direction: Direction): boolean {
  return (
    direction.enabled() &&
    framing.upgrade === undefined &&
    isLongEnough(headers, direction) &&
    hasType(headers, direction) &&
    !headers.has('content-encoding')
  );
}

/** A message on its way through. */
class Side {
  readonly #library: CompressorLibrary;
  readonly #stats: DirectionStats;
  #compressor: Compressor | undefined = undefined;

  constructor(library: CompressorLibrary, stats: DirectionStats) {
    this.#library = library;
    this.#stats = stats;
  }

  begin(): void {
    this.#stats.compressed++;
    this.#compressor = this.#library.create();
  }

  body(piece: BodyPiece): BodyVerdict {
    if (!this.#compressor) return 'continue';
    this.#stats.uncompressedBytes += piece.bytes.length;
    piece.bytes = this.#compressor.compress(piece.bytes, piece.done);
    this.#stats.compressedBytes += piece.bytes.length;
    return 'continue';
  }

  close(): void {
    this.#compressor?.close();
  }
}
