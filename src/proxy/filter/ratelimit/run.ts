import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';
import { SINGLE_RESPONSE_HEADERS } from '../../http/single-headers.ts';
import { FLAG } from '../../http/stream-info.ts';
import type { ToldDescriptor } from '../../rate-limit/descriptor.ts';
import type { RateLimitPolicy } from '../../rate-limit/policy.ts';
import type { ForwardAction } from '../../route/action.ts';
import { applyMutation } from '../../route/mutation.ts';
import type { Route } from '../../route/route.ts';
import { randomNumber } from '../../runtime/read.ts';
import { counter, statsKind } from '../../stats/kind.ts';
import type { SpanTags } from '../async/call-trace.ts';
import type { Calls } from '../async/calls.ts';
import type { GrpcAnswer } from '../async/grpc-call.ts';
import type { Call } from '../async/http-call.ts';
import type { FilterControl, FilterHooks, FilterStream, HeadVerdict, Hooks } from '../filter.ts';
import { FRAMING } from '../framing.ts';
import { isFixed } from '../mutation-rules.ts';
import { addRequestField } from '../request-fields.ts';
import { type LimitAnswer, readAnswer } from './answer.ts';
import type { RateLimitConfig, RateLimitOverride } from './config.ts';
import { limitHeaders, retryAfter } from './limit-headers.ts';
import { limitRequest } from './request.ts';

const SHOULD_LIMIT = '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit';
const RESOURCE_EXHAUSTED = 8;

class Count {
  count = 0;
}

/** What is counted for the cluster that a request would go to, each when it first occurs. */
const OUTCOMES = {
  ok: statsKind(Count, { count: counter('ok') }),
  error: statsKind(Count, { count: counter('error') }),
  overLimit: statsKind(Count, { count: counter('over_limit') }),
  failureModeAllowed: statsKind(Count, { count: counter('failure_mode_allowed') }),
} as const;

function tagAnswer(tags: SpanTags, answer: GrpcAnswer): void {
  const said = answer.ok ? readAnswer(answer.message) : undefined;
  if (said) tags.set('ratelimit_status', said.over ? 'over_limit' : 'ok');
}

/** The filter as one route configures it. */
export interface RateLimitPlan {
  readonly config: RateLimitConfig;
  readonly override: RateLimitOverride | undefined;
  readonly calls: Calls;
}

/** The rate limit of one request. */
export class RateLimitRun implements FilterHooks {
  readonly request: Hooks<RequestHead> = { head: () => this.#onHead() };
  readonly response: Hooks<ResponseHead> = { head: (_, { headers }) => this.#onResponse(headers) };
  readonly #stream: FilterStream;
  readonly #control: FilterControl;
  readonly #plan: RateLimitPlan;
  #call: Call | undefined = undefined;
  #asking = false;
  #passed = false;
  /** What the request counts for, once that is known: also when it is over. */
  #policies: readonly RateLimitPolicy[] = [];
  #cluster = '';
  #responseFields: readonly (readonly [string, string])[] = [];

  constructor(stream: FilterStream, control: FilterControl, plan: RateLimitPlan) {
    this.#stream = stream;
    this.#control = control;
    this.#plan = plan;
  }

  onEnd(): void {
    const call = this.#call;
    this.#call = undefined;
    if (call) {
      call.cancel();
      return;
    }
    const descriptors = this.#descriptors(true);
    if (descriptors.length > 0) this.#ask(descriptors, () => undefined);
  }

  #onHead(): HeadVerdict {
    const { config } = this.#plan;
    if (!config.enabled(randomNumber()) || !this.#isMeant()) return 'continue';
    const { route, clusterName } = this.#stream;
    if (route?.action.kind !== 'forward' || clusterName === '') return 'continue';
    this.#cluster = clusterName;
    this.#policies = this.#policiesOf(route, route.action);
    const descriptors = this.#descriptors(false);
    if (descriptors.length === 0) return 'continue';
    this.#asking = true;
    const call = this.#ask(descriptors, (answer) => this.#onAnswer(answer, descriptors));
    this.#asking = false;
    if (this.#passed) return 'continue';
    this.#call = call;
    return 'stop';
  }

  #isMeant(): boolean {
    const { requests } = this.#plan.config;
    if (requests === 'both') return true;
    const internal = this.#stream.head.headers.get('x-envoy-internal') === 'true';
    return internal === (requests === 'internal');
  }

  /** Those of the filter on the route, or of the filter, or of the route and its virtual host. */
  #policiesOf({ virtualHost }: Route, action: ForwardAction): readonly RateLimitPolicy[] {
    const { config, override } = this.#plan;
    if (override && override.policies.length > 0) return override.policies;
    if (config.policies.length > 0) return config.policies;
    const { rateLimits, includeHostLimits } = action;
    const option = includeHostLimits ? 'INCLUDE' : (override?.hostLimits ?? 'OVERRIDE');
    const withHost = option === 'INCLUDE' || (option === 'OVERRIDE' && rateLimits.length === 0);
    const all = withHost ? [...rateLimits, ...virtualHost.policy.rateLimits] : rateLimits;
    return all.filter(({ stage, disableKey }) => stage === config.stage && this.#isOn(disableKey));
  }

  #isOn(disableKey: string): boolean {
    if (disableKey === '') return true;
    const key = `ratelimit.${disableKey}.http_filter_enabled`;
    const { numerator, denominator } = this.#plan.config.runtime.fraction(key, { numerator: 100, denominator: 100 });
    return randomNumber() % denominator < numerator;
  }

  #descriptors(later: boolean): readonly ToldDescriptor[] {
    return this.#policies.flatMap((policy) => (policy.later === later ? (policy.tell(this.#stream) ?? []) : []));
  }

  #ask(descriptors: readonly ToldDescriptor[], done: (answer: GrpcAnswer) => void): Call {
    const { config, override, calls } = this.#plan;
    const message = limitRequest(override?.domain || config.domain, descriptors);
    const request = {
      service: config.service,
      path: SHOULD_LIMIT,
      message,
      timeout: config.timeout,
      parent: this.#stream,
      traced: { recorded: true, tag: tagAnswer },
    };
    return calls.grpc(request, done);
  }

  #onAnswer(answer: GrpcAnswer, descriptors: readonly ToldDescriptor[]): void {
    this.#call = undefined;
    const said = answer.ok ? readAnswer(answer.message) : undefined;
    if (!said) {
      this.#fail();
      return;
    }
    const { config } = this.#plan;
    for (const [key, value] of Object.entries(said.metadata)) this.#stream.setMetadata(config.namespace, key, value);
    this.#count(said.over ? 'overLimit' : 'ok');
    if (said.over) this.#plan.calls.chargeResponse(this.#cluster, config.status);
    this.#responseFields = this.#fieldsFor(said, descriptors);
    if (said.over && config.enforced(randomNumber())) {
      this.#refuse(said);
      return;
    }
    const { head } = this.#stream;
    for (const [name, value] of said.requestFields) {
      if (!isFixed(name) && !FRAMING.has(name)) addRequestField(head, name, value, this.#stream);
    }
    this.#pass();
  }

  /** What the response will have: the service's, the mark, the limits. */
  #fieldsFor(said: LimitAnswer, descriptors: readonly ToldDescriptor[]): readonly (readonly [string, string])[] {
    const { config } = this.#plan;
    const marked = said.over && config.limitedHeader;
    const own = said.responseFields.filter(
      ([name]) => !name.startsWith(':') && !FRAMING.has(name) && !(marked && name === 'x-envoy-ratelimited'),
    );
    const options = descriptors.map(({ option }) => option);
    return [
      ...own,
      ...(marked ? ([['x-envoy-ratelimited', 'true']] as const) : []),
      ...limitHeaders(said.statuses, options, config.limitHeaders),
    ];
  }

  #refuse({ body, statuses }: LimitAnswer): void {
    const { config } = this.#plan;
    const stream = this.#stream;
    const fields = this.#responseFields;
    this.#responseFields = [];
    const wait = config.retryAfter ? retryAfter(statuses) : undefined;
    stream.reply({
      status: config.status,
      body,
      details: 'request_rate_limited',
      flags: FLAG.RATE_LIMITED,
      modify: (headers) => {
        if (fields.some(([name]) => name === 'content-type')) headers.remove('content-type');
        addFields(headers, fields);
        if (wait !== undefined && !headers.has('retry-after')) headers.add('retry-after', String(wait));
        applyMutation(config.responseHeaders, headers, stream);
      },
      ...(config.resourceExhausted ? { grpcStatus: RESOURCE_EXHAUSTED } : {}),
    });
  }

  #fail(): void {
    const { config } = this.#plan;
    this.#count('error');
    if (!config.failureDenies(randomNumber())) {
      this.#count('failureModeAllowed');
      this.#pass();
      return;
    }
    const flags = FLAG.RATE_LIMIT_SERVICE_ERROR;
    this.#stream.reply({ status: config.statusOnError, body: '', details: 'rate_limiter_error', flags });
  }

  #pass(): void {
    this.#passed = true;
    if (!this.#asking) this.#control.resumeRequest();
  }

  #count(outcome: keyof typeof OUTCOMES): void {
    const { scope, statPrefix } = this.#plan.config;
    scope.get(OUTCOMES[outcome], `cluster.${this.#cluster}.${statPrefix}`).count++;
  }

  #onResponse(headers: HeaderMap): HeadVerdict {
    addFields(headers, this.#responseFields);
    this.#responseFields = [];
    return 'continue';
  }
}

function addFields(headers: HeaderMap, fields: readonly (readonly [string, string])[]): void {
  for (const [name, value] of fields) {
    if (SINGLE_RESPONSE_HEADERS.has(name)) headers.join(name, value);
    else headers.add(name, value);
  }
}
