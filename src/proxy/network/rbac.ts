import { type Fields, isObject, type JsonValue } from '../config/fields.ts';
import type { RbacSubject } from '../filter/rbac/condition.ts';
import { type RbacEngine, readEngine } from '../filter/rbac/engine.ts';
import { deniedDetails } from '../filter/rbac/filter.ts';
import { HEADER_ACTIONS } from '../filter/rbac/header-actions.ts';
import { type RbacPlace, readRules } from '../filter/rbac/matcher.ts';
import { VerdictCounter } from '../filter/rbac/stats.ts';
import { RequestHead } from '../http/head.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { CONNECTION_INPUTS } from '../match/tree/inputs.ts';
import { Deadline } from '../time/deadline.ts';
import type { NetworkFilterKind, NetworkHooks, NetworkStream } from './filter.ts';

const NAMESPACE = 'envoy.filters.network.rbac';

interface NetworkRbac {
  readonly rules: RbacEngine | undefined;
  readonly shadow: RbacEngine | undefined;
  readonly counters: { readonly rules: VerdictCounter; readonly shadow: VerdictCounter };
  readonly shadowPrefix: string;
  /** Judges again whenever bytes come, not only when the first come. */
  readonly continuous: boolean;
  /** Milliseconds before a denied connection is closed. */
  readonly delay: number;
}

const CONNECTION_RBAC: RbacPlace = {
  inputs: CONNECTION_INPUTS,
  refuseInput: (type) => `RBAC network filter cannot match 'type.googleapis.com/${type}'`,
};

/** `envoy.filters.network.rbac`. */
export const networkRbacFilter: NetworkFilterKind = {
  type: 'envoy.extensions.filters.network.rbac.v3.RBAC',
  read: (fields, context) => {
    const { stats } = context;
    const prefix = fields.required('stat_prefix');
    const base = `${prefix}${prefix.endsWith('.') ? '' : '.'}rbac.`;
    const shadowPrefix = fields.text('shadow_rules_stat_prefix');
    const shadowBase = shadowPrefix === '' || shadowPrefix.endsWith('.') ? shadowPrefix : `${shadowPrefix}.`;
    const config: NetworkRbac = {
      rules: readRules(fields, '', CONNECTION_RBAC, context, readNetworkEngine),
      shadow: readRules(fields, 'shadow_', CONNECTION_RBAC, context, readNetworkEngine),
      counters: {
        rules: new VerdictCounter(stats, base, false),
        shadow: new VerdictCounter(stats, `${base}${shadowBase}`, true),
      },
      shadowPrefix,
      continuous: fields.choice('enforcement_type', ['ONE_TIME_ON_FIRST_BYTE', 'CONTINUOUS']) === 'CONTINUOUS',
      delay: fields.duration('delay_deny') ?? 0,
    };
    return { begin: (stream) => hooksOf(stream, config) };
  },
};

function readNetworkEngine(fields: Fields): RbacEngine {
  const header = headerIn(fields.raw('policies'));
  if (header !== undefined) {
    fields.problem('policies', `Found header(${header}) rule,not supported by RBAC network filter`);
  }
  return readEngine(fields);
}

/** Name of the first header that permissions or principals ask for: a connection has none. */
function headerIn(json: JsonValue | undefined): string | undefined {
  if (Array.isArray(json)) return json.map(headerIn).find((name) => name !== undefined);
  if (!isObject(json)) return undefined;
  const { header, headers } = json;
  if (isObject(header)) return String(header['name'] ?? '');
  if (String(json['@type']).endsWith(`/${HEADER_ACTIONS}`))
    return Array.isArray(headers) ? headerIn({ header: headers[0] ?? {} }) : '';
  return headerIn(Object.values(json));
}

function hooksOf(stream: NetworkStream, config: NetworkRbac): NetworkHooks {
  let shadowJudged = false;
  let allowed: boolean | undefined;
  let denied = false;
  const closing = new Deadline(() => stream.close(''));
  return {
    onBytes: () => {
      if (denied) return 'stop';
      const subject = new NetworkSubject(stream.info);
      if (config.shadow && (config.continuous || !shadowJudged)) {
        shadowJudged = true;
        judgeShadow(stream, config.shadow, config, subject);
      }
      if (!config.rules) return 'continue';
      if (allowed && !config.continuous) return 'continue';
      const verdict = config.rules.judge(subject);
      config.counters.rules.count(verdict, false);
      allowed = verdict.allowed;
      if (allowed) return 'continue';
      denied = true;
      stream.info.terminationDetails = deniedDetails(verdict);
      if (config.delay === 0) stream.close('');
      else {
        stream.stopReading();
        closing.start(config.delay);
      }
      return 'stop';
    },
    onClosed: () => closing.stop(),
  };
}

function judgeShadow(stream: NetworkStream, engine: RbacEngine, config: NetworkRbac, subject: RbacSubject): void {
  const verdict = engine.judge(subject);
  const { allowed, policy } = verdict;
  const prefix = `${config.shadowPrefix}shadow_`;
  config.counters.shadow.count(verdict, false);
  stream.info.setMetadata(NAMESPACE, `${prefix}engine_result`, allowed ? 'allowed' : 'denied');
  if (policy !== undefined) stream.info.setMetadata(NAMESPACE, `${prefix}effective_policy_id`, policy);
}

const NO_HEAD = new RequestHead();

/** What rules can ask about a connection. */
class NetworkSubject implements RbacSubject {
  readonly peers;
  readonly head = NO_HEAD;
  readonly request = undefined;
  readonly route = undefined;
  readonly upstreamHost = undefined;
  readonly #info: StreamInfo;

  constructor(info: StreamInfo) {
    this.peers = info.peers;
    this.#info = info;
  }

  requestHeader(): undefined {
    return undefined;
  }

  metadata(...args: Parameters<StreamInfo['metadata']>): ReturnType<StreamInfo['metadata']> {
    return this.#info.metadata(...args);
  }

  setMetadata(...args: Parameters<StreamInfo['setMetadata']>): void {
    this.#info.setMetadata(...args);
  }
}
