import { grpcCodeOf, isGrpcType, percentEncode } from '../../http/grpc-status.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import type { StatsScope } from '../../stats/store.ts';
import type { BodyPiece, BodyVerdict, FilterHooks, FilterKind, FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import { grpcMethodOf } from '../grpc-method.ts';
import { MethodStats } from '../grpc-stats/stats.ts';
import { WebTextReader, WebTextWriter } from './text.ts';
import { trailersFrame } from './trailers.ts';

const TYPE = 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb';

const BINARY = 'application/grpc-web+proto';
const TEXT = 'application/grpc-web-text+proto';
const TEXT_TYPES: ReadonlySet<string> = new Set(['application/grpc-web-text', TEXT]);
const TYPES: ReadonlySet<string> = new Set(['application/grpc-web', BINARY, ...TEXT_TYPES]);

const NOTHING = Buffer.alloc(0);
/** Bytes of a body that is no gRPC which become the message. */
const MESSAGE_LIMIT = 16_384;

/** `envoy.filters.http.grpc_web`: calls of browsers, which know neither trailers nor HTTP/2 frames, become calls of gRPC. */
export const grpcWebFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (_, { stats }) => ({
    type: TYPE,
    bind: () => ({ begin: ({ head }) => (TYPES.has(head.headers.get('content-type') ?? '') ? hooksOf(stats) : {}) }),
  }),
};

function hooksOf(scope: StatsScope): FilterHooks {
  const request = new WebRequest(scope);
  return { request, response: new WebResponse(request) };
}

/** What a browser sends, on its way to the host. */
class WebRequest implements Hooks<RequestHead> {
  readonly #scope: StatsScope;
  #decoder: WebTextReader | undefined = undefined;
  /** It is one of this filter's; a change of the head before may have made it something else. */
  taken = false;
  wantsText = false;
  stats: MethodStats | undefined = undefined;

  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  head(stream: FilterStream, { headers, path }: RequestHead): HeadVerdict {
    const type = headers.get('content-type') ?? '';
    if (!TYPES.has(type)) return 'continue';
    this.taken = true;
    stream.plainReplies = true;
    // It is the length of this message, not of that which goes to the host.
    headers.remove('content-length');
    const { clusterName } = stream;
    const method = clusterName === '' ? undefined : grpcMethodOf(path);
    if (method) this.stats = new MethodStats(this.#scope, `cluster.${clusterName}.grpc-web.${method.join('.')}.`);
    if (TEXT_TYPES.has(type)) this.#decoder = new WebTextReader();
    headers.set('content-type', 'application/grpc');
    this.wantsText = TEXT_TYPES.has(headers.get('accept') ?? '');
    headers.set('te', 'trailers');
    if (!headers.has('grpc-accept-encoding')) headers.add('grpc-accept-encoding', 'identity');
    return 'continue';
  }

  body(stream: FilterStream, piece: BodyPiece): BodyVerdict {
    const decoded = this.#decoder?.decode(piece.bytes, piece.done);
    if (decoded === undefined) return 'continue';
    if (typeof decoded !== 'string') {
      piece.bytes = decoded;
      return 'continue';
    }
    stream.reply({
      status: 400,
      body: 'Bad gRPC-web request, invalid base64 data.',
      details: `grpc_base_64_decode_failed${decoded === 'size' ? '_bad_size' : ''}`,
    });
    return 'hold';
  }
}

/** What the host answers, on its way to the browser: trailers end its body. */
class WebResponse implements Hooks<ResponseHead> {
  readonly #request: WebRequest;
  readonly #encoder = new WebTextWriter();
  /** The head of an answer that is no gRPC: its body becomes a message in it. */
  #foreign: ResponseHead | undefined = undefined;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;

  constructor(request: WebRequest) {
    this.#request = request;
  }

  head(_: FilterStream, head: ResponseHead, done: boolean): HeadVerdict {
    const { taken, stats, wantsText } = this.#request;
    if (!taken) return 'continue';
    const { headers } = head;
    const status = headers.get('grpc-status');
    if (status !== undefined) stats?.status(status);
    const foreign = !isGrpcAnswer(head, done) && !isWebAnswer(head);
    headers.set('content-type', wantsText ? TEXT : BINARY);
    if (done) return 'continue';
    // Text is longer, and so is what trailers are added to.
    headers.remove('content-length');
    if (!foreign) return 'continue';
    this.#foreign = head;
    return 'collect';
  }

  body(_: FilterStream, piece: BodyPiece): BodyVerdict {
    const { taken, wantsText } = this.#request;
    if (!taken) return 'continue';
    if (this.#foreign) return this.#keep(this.#foreign, piece);
    if (wantsText) piece.bytes = this.#encoder.encode(piece.bytes);
    return 'continue';
  }

  #keep(head: ResponseHead, piece: BodyPiece): BodyVerdict {
    const first = this.#kept.length === 0;
    if (this.#keptBytes < MESSAGE_LIMIT) this.#kept.push(Buffer.from(piece.bytes));
    this.#keptBytes += piece.bytes.length;
    piece.bytes = NOTHING;
    if (!piece.done) return 'hold';
    const all = Buffer.concat(this.#kept);
    // One that came at once is told whole, as in Envoy.
    const told = first ? all : all.subarray(0, MESSAGE_LIMIT);
    head.headers.set('grpc-message', percentEncode(told.toString('latin1')));
    head.headers.set('grpc-status', String(grpcCodeOf(head.status)));
    head.headers.set('content-length', '0');
    return 'continue';
  }

  trailers(stream: FilterStream, trailers: HeaderMap): Buffer | undefined {
    const { taken, stats, wantsText } = this.#request;
    if (!taken) return undefined;
    const status = trailers.get('grpc-status');
    if (status !== undefined) stats?.status(status);
    if (this.#foreign) return undefined;
    stream.responseTrailers = undefined;
    const frame = trailersFrame(trailers);
    return wantsText ? Buffer.from(frame.toString('base64'), 'latin1') : frame;
  }
}

function isGrpcAnswer({ status, headers }: ResponseHead, done: boolean): boolean {
  return done ? headers.has('grpc-status') : status === 200 && isGrpcType(headers.get('content-type'));
}

/** It speaks gRPC-Web itself. */
function isWebAnswer({ status, headers }: ResponseHead): boolean {
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trimEnd().toLowerCase();
  return status === 200 && (type === BINARY || type === 'application/grpc-web');
}
