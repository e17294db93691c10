import { isObject, type JsonObject } from '../../config/fields.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { SINGLE_RESPONSE_HEADERS } from '../../http/single-headers.ts';
import { reasonPhrase } from '../../http/status.ts';
import { FLAG } from '../../http/stream-info.ts';
import { randomNumber } from '../../runtime/read.ts';
import { now } from '../../time/clock.ts';
import type { SpanTags } from '../async/call-trace.ts';
import type { Calls } from '../async/calls.ts';
import type { GrpcAnswer } from '../async/grpc-call.ts';
import type { Call } from '../async/http-call.ts';
import type {
  BodyPiece,
  BodyVerdict,
  FilterControl,
  FilterHooks,
  FilterStream,
  HeadVerdict,
  Hooks,
} from '../filter.ts';
import { FRAMING } from '../framing.ts';
import { isField } from '../request-fields.ts';
import { applyMutations, concernsRoute, isWithinLimits } from './apply.ts';
import { AuthzChecks } from './charge.ts';
import { checkRequest } from './check-request.ts';
import type { AuthzConfig, BufferSettings, Service } from './config.ts';
import { verdictOf as verdictOfGrpc } from './grpc-check.ts';
import { checkHead, verdictOf as verdictOfHttp } from './http-check.ts';
import type { ToldBody } from './told.ts';
import { FAILED, type Mutations, NO_MUTATIONS, type Verdict } from './verdict.ts';

const NAMESPACE = 'envoy.filters.http.ext_authz';
const CHECK = '/envoy.service.auth.v3.Authorization/Check';

function statusTag(ok: boolean): string {
  return ok ? 'ext_authz_ok' : 'ext_authz_unauthorized';
}

/** The filter as one route configures it. */
export interface AuthzPlan {
  readonly config: AuthzConfig;
  readonly service: Service;
  readonly extensions: Readonly<Record<string, string>>;
  /** Undefined: no body goes along. */
  readonly buffer: BufferSettings | undefined;
  readonly calls: Calls;
  /** Spans of checks over HTTP are recorded. */
  readonly recorded: boolean;
}

/** The authorization of one request. */
export class AuthzRun implements FilterHooks {
  readonly request: Hooks<RequestHead>;
  readonly response: Hooks<ResponseHead> = { head: (_, { headers }) => this.#onResponse(headers) };
  readonly #stream: FilterStream;
  readonly #control: FilterControl;
  readonly #plan: AuthzPlan;
  readonly #checks: AuthzChecks;
  #state: 'before' | 'collecting' | 'asking' | 'passed' | 'answered' = 'before';
  /** The answer came before the hook that asked has returned. */
  #asking = false;
  #call: Call | undefined = undefined;
  #startedAt = 0;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #mutations: Mutations = NO_MUTATIONS;

  constructor(stream: FilterStream, control: FilterControl, plan: AuthzPlan) {
    this.#stream = stream;
    this.#control = control;
    this.#plan = plan;
    this.#checks = new AuthzChecks(plan.config, plan.calls, stream);
    const head: Hooks<RequestHead>['head'] = (_, __, done) => this.#onHead(done);
    this.request = plan.buffer ? { head, body: (_, piece) => this.#onBody(piece) } : { head };
  }

  onEnd(): void {
    this.#call?.cancel();
    this.#call = undefined;
  }

  #onHead(done: boolean): HeadVerdict {
    const { config, buffer } = this.#plan;
    if (!this.#stream.route) return 'continue';
    if (!this.#enabled()) {
      config.stats.disabled++;
      if (!config.denyAtDisable()) return 'continue';
      this.#replyError(config.statusOnError);
      return 'stop';
    }
    if (buffer && !done && !isWebSocket(this.#stream.head)) {
      this.#state = 'collecting';
      if (!buffer.partial) this.#control.limitRequest(buffer.maxBytes);
      return 'collect';
    }
    this.#ask(undefined);
    return this.#passed ? 'continue' : 'stop';
  }

  get #passed(): boolean {
    return this.#state === 'passed';
  }

  #enabled(): boolean {
    const { enabled, enabledMetadata } = this.#plan.config;
    return (enabled?.(randomNumber()) ?? true) && (enabledMetadata?.(this.#stream) ?? true);
  }

  #onBody({ bytes, done }: BodyPiece): BodyVerdict {
    if (this.#state === 'asking') return 'hold';
    const { buffer } = this.#plan;
    if (this.#state !== 'collecting' || !buffer) return 'continue';
    const room = buffer.maxBytes - this.#bodyBytes;
    this.#bodyBytes += bytes.length;
    if (room > 0 && bytes.length > 0) this.#body.push(Buffer.from(bytes.subarray(0, room)));
    const tooLarge = !buffer.partial && this.#bodyBytes > buffer.maxBytes;
    const full = buffer.partial && this.#bodyBytes >= buffer.maxBytes;
    if (tooLarge || !(done || full)) return 'buffer';
    const told = Buffer.concat(this.#body);
    this.#body = [];
    this.#ask(this.#bodyBytes > 0 ? { bytes: told, partial: this.#bodyBytes > told.length } : undefined);
    return this.#passed ? 'continue' : 'hold';
  }

  #ask(body: ToldBody | undefined): void {
    this.#state = 'asking';
    this.#asking = true;
    this.#startedAt = now();
    this.#call = this.#check(body);
    this.#asking = false;
    if (this.#state !== 'asking') this.#call = undefined;
  }

  #check(body: ToldBody | undefined): Call | undefined {
    const { service, config, calls, extensions } = this.#plan;
    const stream = this.#stream;
    const take = (verdict: Verdict): void => this.#onVerdict(verdict);
    if (service.kind === 'grpc') {
      const message = checkRequest(stream, config.content, extensions, body);
      let verdict: Verdict | undefined;
      const verdictFrom = (answer: GrpcAnswer): Verdict =>
        (verdict ??= answer.ok ? verdictOfGrpc(answer.message, config.validate) : FAILED);
      const traced = {
        recorded: true,
        tag: (tags: SpanTags, answer: GrpcAnswer) => {
          if (answer.ok) tags.set('ext_authz_status', statusTag(verdictFrom(answer).kind === 'ok'));
        },
      };
      const request = { service: service.grpc, path: CHECK, message, timeout: service.timeout, parent: stream, traced };
      return calls.grpc(request, (answer) => take(verdictFrom(answer)));
    }
    const { http } = service;
    const head = checkHead(stream, http, config.content, body);
    const traced = {
      recorded: this.#plan.recorded,
      tag: (tags: SpanTags, { status }: { readonly status: number }) => {
        tags.set('ext_authz_http_status', reasonPhrase(status));
        tags.set('ext_authz_status', statusTag(status === 200));
      },
    };
    const request = { head, body: body?.bytes, timeout: http.timeout, retry: http.retry, parent: stream, traced };
    const call = calls.http(http.cluster, request, (answer) => take(verdictOfHttp(answer, http)));
    if (!call) take(FAILED);
    return call;
  }

  #onVerdict(verdict: Verdict): void {
    this.#call = undefined;
    this.#state = 'answered';
    if (verdict.kind !== 'invalid') this.#takeMetadata(verdict.metadata, verdict.kind === 'ok');
    switch (verdict.kind) {
      case 'ok':
        this.#allow(verdict.mutations);
        return;
      case 'denied':
        this.#deny(verdict);
        return;
      case 'error':
        this.#fail(verdict);
        return;
      case 'invalid':
        this.#reject();
    }
  }

  #takeMetadata(metadata: JsonObject, ok: boolean): void {
    const entries = Object.entries(metadata);
    if (entries.length === 0) return;
    const { config } = this.#plan;
    if (!config.takeMetadata) {
      config.stats.ignoredMetadata++;
      return;
    }
    const stream = this.#stream;
    for (const [key, value] of entries) {
      const before = stream.metadata(NAMESPACE, [key]);
      stream.setMetadata(NAMESPACE, key, isObject(before) && isObject(value) ? { ...before, ...value } : value);
    }
    if (ok) stream.setMetadata(NAMESPACE, 'ext_authz_duration', Math.floor(now() - this.#startedAt));
  }

  #allow(mutations: Mutations): void {
    const { config } = this.#plan;
    const stream = this.#stream;
    if (!applyMutations(stream, mutations, config)) {
      this.#reject();
      return;
    }
    if (!isWithinLimits(stream)) {
      config.stats.headerLimits++;
      this.#reject();
      return;
    }
    this.#mutations = mutations;
    this.#checks.count('ok');
    if (config.clearRouteCache && concernsRoute(mutations)) this.#control.reroute();
    this.#pass();
  }

  #pass(): void {
    this.#state = 'passed';
    if (!this.#asking) this.#control.resumeRequest();
  }

  #deny({ status, fields, body }: Extract<Verdict, { readonly kind: 'denied' }>): void {
    const { config } = this.#plan;
    this.#checks.count('denied');
    this.#checks.charge(status);
    if (!fields.every(([name, value]) => name.startsWith(':') || isField(name, value))) {
      this.#reject();
      return;
    }
    const most = config.maxDeniedBytes;
    this.#reply(status, most > 0 ? body.slice(0, most) : body, 'ext_authz_denied', fields);
  }

  #fail({ status, fields, body }: Extract<Verdict, { readonly kind: 'error' }>): void {
    const { config } = this.#plan;
    this.#checks.count('error');
    if (!config.failureAllow) {
      this.#replyError(
        status ?? config.statusOnError,
        fields.filter(([name, value]) => isField(name, value)),
        body,
      );
      return;
    }
    this.#checks.count('failureModeAllowed');
    if (config.failureAllowHeader) this.#stream.head.headers.add('x-envoy-auth-failure-mode-allowed', 'true');
    this.#pass();
  }

  #reject(): void {
    this.#checks.count('invalid');
    this.#reply(500, '', 'ext_authz_invalid', []);
  }

  #replyError(status: number, fields: readonly (readonly [string, string])[] = [], body = ''): void {
    this.#reply(status, body, 'ext_authz_error', fields);
  }

  #reply(status: number, body: string, details: string, fields: readonly (readonly [string, string])[]): void {
    // The length is put right, and stands where the server had it.
    const own = fields.filter(([name]) => !name.startsWith(':') && (name === 'content-length' || !FRAMING.has(name)));
    const modify = (headers: HeaderMap): void => {
      for (const [name] of own) headers.remove(name);
      for (const [name, value] of own) addResponseField(headers, name, value);
    };
    this.#stream.reply({ status, body, details, flags: FLAG.UNAUTHORIZED, modify });
  }

  #onResponse(headers: HeaderMap): HeadVerdict {
    const { add, set, addIfAbsent, overwriteIfExists } = this.#mutations.response;
    for (const [name, value] of add) if (mayStand(name)) addResponseField(headers, name, value);
    for (const [name, value] of set) if (mayStand(name)) headers.replace(name, value);
    for (const [name, value] of addIfAbsent) if (mayStand(name) && !headers.has(name)) headers.add(name, value);
    for (const [name, value] of overwriteIfExists)
      if (headers.has(name) && mayStand(name)) headers.replace(name, value);
    return 'continue';
  }
}

function mayStand(name: string): boolean {
  return !FRAMING.has(name);
}

function addResponseField(headers: HeaderMap, name: string, value: string): void {
  if (SINGLE_RESPONSE_HEADERS.has(name)) headers.join(name, value);
  else headers.add(name, value);
}

function isWebSocket({ framing }: RequestHead): boolean {
  return framing.upgrade?.toLowerCase() === 'websocket';
}
