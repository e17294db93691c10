import type { RequestHead, ResponseHead } from '../../http/head.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { Fraction } from '../../runtime/runtime.ts';
import { Deadline } from '../../time/deadline.ts';
import type { BodyVerdict, FilterControl, FilterHooks, FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import type { FaultConfig, FaultShare } from './config.ts';
import type { FaultShared } from './filter.ts';
import type { FaultKind } from './stats.ts';

/** A second has so many slices of a limited response. */
const SLICE_MS = 50;
const OK = 200;

/** The faults of one request. */
export class FaultRun implements FilterHooks {
  readonly request: Hooks<RequestHead> = { head: () => this.#onHead() };
  response: Hooks<ResponseHead> = {};
  readonly #stream: FilterStream;
  readonly #control: FilterControl;
  readonly #config: FaultConfig;
  readonly #shared: FaultShared;
  readonly #random: () => number;
  #cluster: string | undefined = undefined;
  #active = false;
  readonly #delay = new Deadline(() => this.#afterDelay());
  readonly #slices = new Deadline(() => this.#sendSlice());
  #sliceBytes = 0;

  constructor(
    stream: FilterStream,
    control: FilterControl,
    config: FaultConfig,
    shared: FaultShared,
    random: () => number,
  ) {
    this.#stream = stream;
    this.#control = control;
    this.#config = config;
    this.#shared = shared;
    this.#random = random;
    if (config.rate) this.response = { body: () => this.#onBody() };
  }

  onEnd(): void {
    this.#delay.stop();
    this.#slices.stop();
    if (this.#active) this.#shared.stats.active--;
  }

  #onHead(): HeadVerdict {
    if (!this.#applies()) return 'continue';
    this.#cluster = this.#stream.requestHeader('x-envoy-downstream-service-cluster');
    this.#limitResponse();
    const wait = this.#delayTime();
    if (wait > 0 && this.#begin()) {
      this.#count('delays');
      this.#stream.flags |= FLAG.DELAY_INJECTED;
      this.#delay.start(wait);
      return 'stop';
    }
    return this.#abort() ? 'stop' : 'continue';
  }

  #afterDelay(): void {
    if (!this.#abort()) this.#control.resumeRequest();
  }

  #applies(): boolean {
    const { cluster, nodes, headers } = this.#config;
    const stream = this.#stream;
    if (cluster !== '' && (stream.route?.action.kind !== 'forward' || stream.routeCluster !== cluster)) return false;
    if (nodes.size > 0) {
      const node = stream.requestHeader('x-envoy-downstream-service-node');
      if (node === undefined || !nodes.has(node)) return false;
    }
    return headers.every((test) => test((name) => stream.requestHeader(name)));
  }

  /** Whether a fault happens this time: the runtime for the client's cluster, the runtime, the configuration, in this order. */
  #happens({ fraction, key, header }: FaultShare): boolean {
    const { runtime } = this.#shared;
    const asked = header === '' ? fraction : this.#asked(fraction, header);
    let share = runtime.fraction(key, asked);
    if (this.#cluster) share = runtime.fraction(this.#clusterKey(key), share);
    return this.#random() % share.denominator < share.numerator;
  }

  #clusterKey(key: string): string {
    return key.replace('fault.http.', `fault.http.${this.#cluster}.`);
  }

  /** A header may ask for a smaller share than the configuration allows. */
  #asked(fraction: Fraction, header: string): Fraction {
    const wanted = wholeNumber(this.#stream.requestHeader(header));
    if (wanted === undefined) return fraction;
    return { numerator: Math.min(wanted, fraction.numerator), denominator: fraction.denominator };
  }

  /** A request counts once, whatever happens to it; false: there are too many already. */
  #begin(): boolean {
    if (this.#active) return true;
    const { stats, runtime } = this.#shared;
    const { maxActive, keys } = this.#config;
    if (stats.active >= runtime.integer(keys.maxActive, maxActive)) {
      stats.overflow++;
      return false;
    }
    stats.active++;
    this.#active = true;
    return true;
  }

  #count(kind: FaultKind): void {
    const { stats } = this.#shared;
    const { clusterStats, metadata } = this.#config;
    stats[kind]++;
    if (this.#cluster && clusterStats) this.#shared.countCluster(this.#cluster, kind);
    for (const [key, value] of Object.entries(metadata ?? {})) {
      this.#stream.setMetadata(this.#shared.filterName, key, value);
    }
  }

  #delayTime(): number {
    const { delay, keys } = this.#config;
    if (!delay || !this.#happens(delay.share)) return 0;
    const asked = delay.fixed ?? wholeNumber(this.#stream.requestHeader('x-envoy-fault-delay-request'));
    if (asked === undefined) return 0;
    return this.#runtimeNumber(keys.delayDuration, asked);
  }

  #runtimeNumber(key: string, fallback: number): number {
    const { runtime } = this.#shared;
    const number = runtime.integer(key, fallback);
    return this.#cluster ? runtime.integer(this.#clusterKey(key), number) : number;
  }

  #abort(): boolean {
    const { abort, keys } = this.#config;
    if (!abort || !this.#happens(abort.share)) return false;
    const stream = this.#stream;
    const own = abort.httpStatus === undefined && abort.grpcStatus === undefined;
    const http = own ? statusOf(stream.requestHeader('x-envoy-fault-abort-request')) : abort.httpStatus;
    const grpc = own ? wholeNumber(stream.requestHeader('x-envoy-fault-abort-grpc-request')) : abort.grpcStatus;
    if (http === undefined && grpc === undefined) return false;
    if (!this.#begin()) return false;
    this.#count('aborts');
    const grpcStatus =
      http === undefined && grpc !== undefined ? this.#runtimeNumber(keys.grpcStatus, grpc) : undefined;
    stream.reply({
      status: http === undefined ? OK : this.#runtimeNumber(keys.httpStatus, http),
      body: abort.body,
      details: 'fault_filter_abort',
      flags: FLAG.FAULT_INJECTED,
      ...(grpcStatus === undefined ? {} : { grpcStatus }),
    });
    return true;
  }

  #limitResponse(): void {
    const { rate } = this.#config;
    if (!rate || !this.#happens(rate.share)) return;
    const limit = rate.fixed ?? wholeNumber(this.#stream.requestHeader('x-envoy-fault-throughput-response'));
    if (limit === undefined || limit === 0 || !this.#begin()) return;
    this.#count('rateLimits');
    this.#sliceBytes = Math.max(1, Math.floor((limit * 1024 * SLICE_MS) / 1000));
  }

  #onBody(): BodyVerdict {
    if (this.#sliceBytes === 0) return 'continue';
    if (!this.#slices.waiting) this.#slices.start(1);
    return 'hold';
  }

  #sendSlice(): void {
    this.#slices.start(SLICE_MS);
    if (!this.#control.releaseResponse(this.#sliceBytes)) this.#slices.stop();
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function statusOf(text: string | undefined): number | undefined {
  const status = wholeNumber(text);
  return status !== undefined && status >= 200 && status < 600 ? status : undefined;
}
