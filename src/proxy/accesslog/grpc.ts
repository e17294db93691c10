import { createRequire } from 'node:module';
import type { Client, ClientWritableStream } from '@grpc/grpc-js';
import type { Logger } from '../../base/index.ts';
import { serviceName } from '../../model/envoy/index.ts';
import type { Fields } from '../config/fields.ts';
import { readGrpcCluster } from '../config/grpc-service.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { Deadline } from '../time/deadline.ts';
import { readCustomTag } from '../tracing/custom-tags.ts';
import { Entries } from './entries.ts';
import { EVERY_HEADER, type LoggedHeaders, putHttpEntry, putTcpEntry } from './entry.ts';
import { WireWriter } from './wire.ts';

/** Entries, and bytes of them, waiting for a sink that is away or slow; beyond either the next are dropped, as Envoy drops them. */
const MAX_WAITING = 8192;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const RECONNECT_MS = 1000;

/** Takes entries for the stream that a configuration means. */
export interface GrpcLogSink {
  /** Whether there is no room for another entry, which then counts as dropped. Asked before it is written, so that a sink that is slow costs requests nothing. */
  refuses(config: GrpcLogConfig): boolean;
  /** Copies so many entries, the first `length` bytes: fields `log_entry` as `Entries` holds them. */
  push(config: GrpcLogConfig, bytes: Buffer, length: number, count: number): void;
}

/** The gRPC access logs of one worker. */
export interface GrpcLogs {
  /** Reads a configuration of `envoy.extensions.access_loggers.grpc.v3`: `HttpGrpcAccessLogConfig` or `TcpGrpcAccessLogConfig`. */
  read(fields: Fields, kind: GrpcLogConfig['kind']): (info: StreamInfo) => void;
}

/** Number of `log_entry` in both lists of entries. */
const LOG_ENTRY = 1;

/** Entries are written one at a time, all in this one. */
const writer = new WireWriter();

export function createGrpcLogs(sink: GrpcLogSink): GrpcLogs {
  return {
    read: (fields, kind) => {
      const names = (key: string): readonly string[] => {
        const wanted = [...new Set(fields.strings(key).map((name) => name.toLowerCase()))];
        if (!wanted.includes(EVERY_HEADER)) return wanted;
        // Beside all headers only what is none is still to be picked.
        return wanted.filter((name) => name === EVERY_HEADER || name.startsWith(':'));
      };
      const logged: LoggedHeaders | undefined =
        kind === 'http'
          ? {
              request: names('additional_request_headers_to_log'),
              response: names('additional_response_headers_to_log'),
              trailers: names('additional_response_trailers_to_log'),
            }
          : undefined;
      const common = fields.message('common_config', (inner) => ({
        config: readCommon(inner, kind),
        tags: inner.list('custom_tags', readCustomTag),
      }));
      if (!common) {
        fields.problem('common_config', 'value is required');
        return () => undefined;
      }
      const { config, tags } = common;
      const write = (info: StreamInfo): void => {
        writer.length = 0;
        if (logged) putHttpEntry(writer, LOG_ENTRY, info, logged, tags);
        else putTcpEntry(writer, LOG_ENTRY, info, tags);
        sink.push(config, writer.bytes, writer.length, 1);
      };
      const writeSoon = together(write);
      return (info) => {
        if (sink.refuses(config)) return;
        // A request that has ended stays as it is.
        if (info.accessLogType === 'DownstreamEnd') writeSoon(info);
        else write(info);
      };
    },
  };
}

/**
 * Does something with all that come in one go, when what is under way is done: written between the steps of its request, an entry costs several times what
 * it costs alone.
 */
function together<T>(one: (item: T) => void): (item: T) => void {
  let waiting: T[] = [];
  const all = (): void => {
    const items = waiting;
    waiting = [];
    for (const item of items) one(item);
  };
  return (item) => {
    if (waiting.push(item) === 1) queueMicrotask(all);
  };
}

/** The streams to the sinks: one for each cluster and log name. */
export interface GrpcLogStreams extends GrpcLogSink {
  stats(): { readonly written: number; readonly dropped: number };
  /** Sends what waits and ends the streams. */
  close(): void;
}

/** `target` gives the gRPC address of a cluster when it has one, `node` an encoded `envoy.config.core.v3.Node`. */
export function createGrpcLogStreams(
  target: (cluster: string) => string | undefined,
  node: () => Uint8Array,
  log: Logger,
): GrpcLogStreams {
  const sinks = new Map<string, Sink>();
  const byConfig = new WeakMap<GrpcLogConfig, Sink>();
  const sinkOf = (config: GrpcLogConfig): Sink => {
    const key = JSON.stringify(config);
    const sink = sinks.get(key) ?? new Sink(config, target, node, log);
    sinks.set(key, sink);
    byConfig.set(config, sink);
    return sink;
  };
  return {
    refuses: (config) => (byConfig.get(config) ?? sinkOf(config)).refuses(1),
    push: (config, bytes, length, count) => {
      const sink = byConfig.get(config) ?? sinkOf(config);
      if (!sink.refuses(count)) sink.push(bytes, length, count);
    },
    stats: () => {
      let written = 0;
      let dropped = 0;
      for (const sink of sinks.values()) {
        written += sink.written;
        dropped += sink.dropped;
      }
      return { written, dropped };
    },
    close: () => {
      for (const sink of sinks.values()) sink.close();
      sinks.clear();
    },
  };
}

/** Where entries go and how long they may wait, in milliseconds. */
export interface GrpcLogConfig {
  readonly kind: 'http' | 'tcp';
  readonly logName: string;
  readonly cluster: string;
  readonly flushInterval: number;
  readonly bufferBytes: number;
}

function readCommon(fields: Fields, kind: GrpcLogConfig['kind']): GrpcLogConfig {
  fields.choice('transport_api_version', ['AUTO', 'V3', 'V2']);
  const cluster = fields.message('grpc_service', readGrpcCluster) ?? '';
  if (cluster === '') fields.problem('grpc_service', 'value is required');
  return {
    kind,
    logName: fields.required('log_name'),
    cluster,
    flushInterval: fields.duration('buffer_flush_interval') ?? 1000,
    bufferBytes: fields.number('buffer_size_bytes') ?? 16_384,
  };
}

/** Fields of an `envoy.service.accesslog.v3.StreamAccessLogsMessage`. */
const LOGS = { http: 2, tcp: 3 } as const;
/**
 * A field of ours: entries dropped since the message before, or since the start. Whoever does not know it skips it; who does may let the stream wait,
 * as the first message always has it.
 */
const DROPPED = 1000;

class Sink {
  written = 0;
  dropped = 0;
  readonly #config: GrpcLogConfig;
  readonly #target: (cluster: string) => string | undefined;
  readonly #node: () => Uint8Array;
  readonly #log: Logger;
  readonly #waiting = new Entries();
  #droppedTold = 0;
  readonly #flushTimer = new Deadline(() => this.#flush());
  #client: Client | undefined = undefined;
  #stream: ClientWritableStream<Buffer> | undefined = undefined;
  #introduced = false;
  #retryAt = 0;

  constructor(
    config: GrpcLogConfig,
    target: (cluster: string) => string | undefined,
    node: () => Uint8Array,
    log: Logger,
  ) {
    this.#config = config;
    this.#target = target;
    this.#node = node;
    this.#log = log;
  }

  /** Whether there is no room for so many entries, which then count as dropped. */
  refuses(count: number): boolean {
    if (this.#waiting.count + count <= MAX_WAITING && this.#waiting.byteLength <= MAX_WAITING_BYTES) return false;
    this.dropped += count;
    return true;
  }

  push(bytes: Buffer, length: number, count: number): void {
    this.#waiting.add(bytes, length, count);
    if (this.#waiting.byteLength >= this.#config.bufferBytes && !this.#stream?.writableNeedDrain) this.#flush();
    else if (!this.#flushTimer.waiting) this.#flushTimer.start(this.#config.flushInterval);
  }

  close(): void {
    this.#flush();
    this.#flushTimer.stop();
    this.#stream?.end();
    this.#client?.close();
  }

  #flush(): void {
    this.#flushTimer.stop();
    for (let next = this.#waiting.oldest; next; next = this.#waiting.oldest) {
      const stream = this.#open();
      if (!stream) this.#flushTimer.start(Math.max(RECONNECT_MS / 4, this.#config.flushInterval));
      // What waits longer goes when there is room.
      if (!stream || stream.writableNeedDrain) return;
      this.#send(stream, next);
    }
  }

  #send(
    stream: ClientWritableStream<Buffer>,
    { length, count }: { readonly length: number; readonly count: number },
  ): void {
    this.written += count;
    const out = new WireWriter();
    const dropped = this.dropped - this.#droppedTold;
    if (!this.#introduced) this.#putIdentifier(out);
    if (!this.#introduced || dropped > 0) out.integer(DROPPED, dropped);
    this.#introduced = true;
    this.#droppedTold = this.dropped;
    out.head(LOGS[this.#config.kind], length);
    const message = this.#waiting.take(out.length);
    out.bytes.copy(message, 0, 0, out.length);
    stream.write(message);
  }

  /** The first message of a stream says from whom it is. */
  #putIdentifier(out: WireWriter): void {
    const start = out.begin(1);
    out.message(1, this.#node());
    out.string(2, this.#config.logName);
    out.end(start);
  }

  #open(): ClientWritableStream<Buffer> | undefined {
    if (this.#stream) return this.#stream;
    if (performance.now() < this.#retryAt) return undefined;
    const target = this.#target(this.#config.cluster);
    if (target === undefined) {
      this.#retryAt = performance.now() + RECONNECT_MS;
      return undefined;
    }
    this.#client ??= createClient(target);
    const stream = this.#client.makeClientStreamRequest<Buffer, undefined>(
      `/${serviceName.accessLog}/StreamAccessLogs`,
      (bytes) => bytes,
      () => undefined,
      (error) => this.#ended(stream, error ? error.message : 'closed by the sink'),
    );
    stream.on('error', () => undefined);
    stream.on('drain', () => this.#flush());
    this.#introduced = false;
    this.#stream = stream;
    return stream;
  }

  #ended(stream: ClientWritableStream<Buffer>, reason: string): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#retryAt = performance.now() + RECONNECT_MS;
    this.#log.debug({ log: this.#config.logName, reason }, 'access log stream ended');
  }
}

function createClient(target: string): Client {
  const grpc = createRequire(import.meta.url)('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
  // To try again, the library would keep what was sent; a stream that breaks is opened anew with what comes next.
  return new grpc.Client(target, grpc.credentials.createInsecure(), { 'grpc.enable_retries': 0 });
}
