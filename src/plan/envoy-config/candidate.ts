import { formatIssue, type Issue } from '../../base/index.ts';
import { decodeEnvoyConfig, type EnvoyConfigObject, type ServiceListener } from '../../model/cilium/index.ts';
import { typeUrl } from '../../model/envoy/index.ts';
import { objectAt, objectsAt, textAt } from '../envoy-json.ts';
import type { JsonObject } from '../node-plan.ts';
import { isHttpConnectionManager } from './inject.ts';
import { type NameScope, qualifiedName } from './names.ts';
import { createQualifier, type Reference } from './qualify.ts';
import { expressionIssues, policyFilterIssues } from './walk.ts';

export type ResourceKind = 'listener' | 'route' | 'cluster' | 'endpoint' | 'secret';

/** One Envoy resource of a configuration, its names qualified. */
export interface CandidateResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly value: JsonObject;
  readonly path: string;
}

/** A Service to take over, and the listener that takes it. */
export interface CandidateRedirect extends ServiceListener {
  readonly target: string;
}

/** A configuration that is valid by itself; whether it can work depends on the cluster and on the other configurations. */
export interface Candidate {
  readonly config: EnvoyConfigObject;
  readonly resources: readonly CandidateResource[];
  readonly references: readonly Reference[];
  readonly redirects: readonly CandidateRedirect[];
  readonly useOriginalSource: boolean;
  /** Listeners with an address of their own are logged and get Cilium's denial too, as those without always do. */
  readonly injectAll: boolean;
}

export type CandidateResult =
  | { readonly ok: true; readonly candidate: Candidate }
  | { readonly ok: false; readonly faults: readonly string[] };

const results = new WeakMap<object, CandidateResult>();

/** Decodes and qualifies a configuration; the answer depends on the object only and is kept as long as it. */
export function candidateOf(raw: unknown): CandidateResult {
  if (typeof raw !== 'object' || raw === null) return read(raw);
  let result = results.get(raw);
  if (!result) {
    result = read(raw);
    results.set(raw, result);
  }
  return result;
}

function read(raw: unknown): CandidateResult {
  const decoded = decodeEnvoyConfig(raw);
  if (!decoded.ok) return failed(decoded.error);
  const config = decoded.value;
  const faults = config.resources.flatMap(({ value }, index) => [
    ...expressionIssues(value, resourcePath(index)),
    ...policyFilterIssues(value, resourcePath(index)),
  ]);
  if (faults.length > 0) return failed(faults);
  const scope = { namespace: config.namespace ?? '', config: config.name };
  const qualifier = createQualifier(scope, clusterNames(config, scope));
  const resources = config.resources.map(({ typeUrl: url, name, value }, index): CandidateResource => {
    return qualifiedResource(scope, qualifier, kindOf(url), name, value, resourcePath(index));
  });
  const { redirects, issues } = redirectsOf(config, scope, resources);
  if (issues.length > 0) return failed(issues);
  const redirecting = config.services.length > 0;
  return {
    ok: true,
    candidate: {
      config,
      resources,
      references: qualifier.references,
      redirects,
      useOriginalSource: flag(config.annotations, 'cec.cilium.io/use-original-source-address') ?? true,
      injectAll: flag(config.annotations, 'cec.cilium.io/inject-cilium-filters') ?? redirecting,
    },
  };
}

function clusterNames({ resources }: EnvoyConfigObject, scope: NameScope): ReadonlySet<string> {
  const clusters = resources.filter((resource) => resource.typeUrl === typeUrl.cluster);
  return new Set(clusters.map(({ name }) => qualifiedName(scope, name)));
}

function failed(issues: readonly Issue[]): CandidateResult {
  return { ok: false, faults: issues.map(formatIssue) };
}

function resourcePath(index: number): string {
  return `spec.resources[${index}]`;
}

const kinds: Readonly<Record<string, ResourceKind>> = {
  [typeUrl.listener]: 'listener',
  [typeUrl.route]: 'route',
  [typeUrl.cluster]: 'cluster',
  [typeUrl.endpoint]: 'endpoint',
  [typeUrl.secret]: 'secret',
};

function kindOf(url: string): ResourceKind {
  return kinds[url] ?? 'secret';
}

function qualifiedResource(
  scope: NameScope,
  qualifier: ReturnType<typeof createQualifier>,
  kind: ResourceKind,
  name: string,
  value: JsonObject,
  path: string,
): CandidateResource {
  const qualified = qualifiedName(scope, name, kind === 'listener' || kind === 'route');
  const base = { kind, name: qualified, path };
  switch (kind) {
    case 'listener':
      return { ...base, value: qualifier.listener(value, path) };
    case 'route':
      return { ...base, value: qualifier.routes(value, path) };
    case 'cluster':
      return { ...base, value: qualifier.cluster(value, path) };
    case 'endpoint':
      return { ...base, value: { ...value, cluster_name: qualified } };
    case 'secret':
      return { ...base, value: { ...value, name: qualified } };
  }
}

/** Go's `ParseBool`; undefined for anything else, which then means the default. */
function flag(annotations: Readonly<Record<string, string>>, key: string): boolean | undefined {
  const text = annotations[key] ?? '';
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

function redirectsOf(
  config: EnvoyConfigObject,
  scope: NameScope,
  resources: readonly CandidateResource[],
): { readonly redirects: readonly CandidateRedirect[]; readonly issues: readonly Issue[] } {
  const listeners = resources.filter(({ kind, value }) => kind === 'listener' && takesConnections(value));
  const names = listeners.map(({ name }) => name);
  const issues: Issue[] = [];
  const redirects = config.services.flatMap((service) => {
    const wanted = service.listener === undefined ? undefined : qualifiedName(scope, service.listener, true);
    const target = wanted === undefined ? listeners[0] : listeners.find(({ name }) => name === wanted);
    if (!target) {
      issues.push(noListener(service, names));
      return [];
    }
    if (!speaksHttpOnly(target.value)) {
      issues.push({
        path: target.path,
        message: `takes over Service ${service.namespace}/${service.name} without an HTTP connection manager in every filter chain`,
        allowed: 'envoy.filters.network.http_connection_manager: policy cannot be judged on a redirected TCP proxy',
      });
    }
    return [{ ...service, target: target.name }];
  });
  return { redirects, issues };
}

function noListener(service: ServiceListener, names: readonly string[]): Issue {
  const allowed = names.length > 0 ? `one of ${names.join(', ')}` : 'a Listener with an address or without any';
  if (service.listener === undefined) {
    return { path: service.fieldPath, message: 'no Listener in spec.resources can take this Service', allowed };
  }
  return { path: `${service.fieldPath}.listener`, message: `listener "${service.listener}" is not defined`, allowed };
}

/** Whether connections can be redirected to the listener: it has a port, or gets one. */
function takesConnections(listener: JsonObject): boolean {
  if (objectAt(listener, 'internal_listener') || objectAt(listener, 'api_listener')) return false;
  return !objectAt(listener, 'address') || listenerPort(listener) !== undefined;
}

/** The port that the user gave the listener. */
export function listenerPort(listener: JsonObject): number | undefined {
  const port = objectAt(objectAt(listener, 'address'), 'socket_address')?.['port_value'];
  return typeof port === 'number' && port > 0 ? port : undefined;
}

function speaksHttpOnly(listener: JsonObject): boolean {
  const fallback = objectAt(listener, 'default_filter_chain');
  const chains = [...objectsAt(listener, 'filter_chains'), ...(fallback ? [fallback] : [])];
  return chains.every((chain) => {
    const last = objectsAt(chain, 'filters').at(-1);
    const config = objectAt(last, 'typed_config');
    return textAt(last, 'name') !== '' && config !== undefined && isHttpConnectionManager(config);
  });
}
