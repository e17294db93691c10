import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { decodeEnvoyJson, typeName } from '../../model/envoy/index.ts';
import { type BindConfig, readBindConfig } from '../cluster/config/binding.ts';
import { readLocality } from '../cluster/config/endpoints.ts';
import type { Locality } from '../cluster/host.ts';
import { type OverloadConfig, readOverload } from '../overload/config.ts';
import { adminRuntime, readRuntime } from '../runtime/read.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { PLAIN_STATS, readStatsConfig, type StatsSettings } from '../stats/settings.ts';
import { readSecret } from '../tls/secret.ts';
import { type Address, readAddress } from './address.ts';
import { type ResourceSource, readResourceSource } from './config-source.ts';
import {
  type Fields,
  isObject,
  type JsonObject,
  type JsonValue,
  typeName as messageName,
  readMessage,
} from './fields.ts';
import { readGrpcCluster } from './grpc-service.ts';

/** What the proxy calls itself towards others. */
export interface NodeName {
  readonly id: string;
  readonly cluster: string;
  /** Where it runs; undefined when nobody said. */
  readonly locality?: Locality | undefined;
  /** The static cluster whose hosts it is one of; empty when there is none. */
  readonly localCluster?: string;
}

/** A compiled `envoy.config.bootstrap.v3.Bootstrap`; static resources are kept as they came. */
export interface Bootstrap {
  readonly node: JsonObject;
  readonly stats: StatsSettings;
  readonly nodeName: NodeName;
  /** `upstream_bind_config` of the cluster manager. */
  readonly bindConfig: BindConfig | undefined;
  readonly listeners: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
  /** `static_resources.secrets`, checked. */
  readonly secrets: readonly JsonObject[];
  readonly admin: Address | undefined;
  /** Connections to the admin interface do not count among all. */
  readonly adminIgnoresLimit: boolean;
  readonly overload: OverloadConfig | undefined;
  /** `admin.access_log` as it came, and `access_log_path`, empty when there is none. */
  readonly adminLogs: { readonly logs: readonly JsonValue[]; readonly path: string };
  readonly ads: { readonly cluster: string; readonly form: 'sotw' | 'delta' } | undefined;
  readonly runtime: Runtime;
  /** `layered_runtime` as it came. */
  readonly runtimeJson: JsonObject | undefined;
  /** `lds_config` and `cds_config`; undefined where there is none. */
  readonly discoverListeners: ResourceSource | undefined;
  readonly discoverClusters: ResourceSource | undefined;
}

export interface ShownBootstrap extends Bootstrap {
  /** The whole message, with the node as it is told. */
  readonly shown: JsonObject;
}

/** Who the proxy is, where the command line says so; empty parts leave it to the bootstrap. */
export interface NodeIdentity {
  readonly id: string;
  readonly cluster: string;
  readonly zone: string;
}

/** Decodes the parsed YAML or JSON of a bootstrap file; unknown fields and types are issues with their path. */
export function readBootstrap(json: unknown, identity?: NodeIdentity): Result<ShownBootstrap, readonly Issue[]> {
  const decoded = decodeEnvoyJson(json, { path: '', type: typeName.bootstrap });
  if (!decoded.ok) return fail(decoded.error.map((issue) => ({ ...issue, path: issue.path.replace(/^\./, '') })));
  const read = readDecoded(decoded.value.value, identity);
  return read.ok ? ok({ ...read.value, shown: { ...decoded.value.value, node: read.value.node } }) : read;
}

/** Reads canonical JSON of a valid bootstrap. */
export function readDecoded(json: JsonObject, identity?: NodeIdentity): Result<Bootstrap, readonly Issue[]> {
  const issues: Issue[] = [];
  const bootstrap = readMessage(json, '', issues, (fields) => readFields(fields, identity));
  return issues.length > 0 ? fail(issues) : ok(bootstrap);
}

const RE2 = 'envoy.extensions.regex_engines.v3.GoogleRE2';

function readRegexEngine(fields: Fields): void {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? messageName(config) : '';
  if (type !== RE2) fields.problem('typed_config', `${type || 'nothing'} is not supported by ciliate-proxy`, RE2);
}

const INTERNAL_LISTENER = 'envoy.extensions.bootstrap.internal_listener.v3.InternalListener';

/** Internal listeners are always there; their extension only has to be known. */
function readExtensions(fields: Fields): void {
  fields.list('bootstrap_extensions', (extension) => {
    extension.ignore('name');
    const config = extension.raw('typed_config');
    const type = isObject(config) ? messageName(config) : '';
    if (type === INTERNAL_LISTENER) extension.message('typed_config', (inner) => inner.ignore('buffer_size_kb'));
    else extension.problem('typed_config', `${type || 'nothing'} is not supported by ciliate-proxy`, INTERNAL_LISTENER);
    return true;
  });
}

function readFields(fields: Fields, identity: NodeIdentity | undefined): Bootstrap {
  fields.ignore('watchdogs', 'watchdog', 'deferred_stat_options');
  if (!['', 'x-envoy'].includes(fields.text('header_prefix')))
    fields.problem('header_prefix', 'is not supported by ciliate-proxy', 'x-envoy');
  fields.message('default_regex_engine', readRegexEngine);
  const node = nodeOf(fields, identity);
  const stats: StatsSettings = {
    ...(fields.message('stats_config', readStatsConfig) ?? PLAIN_STATS),
    flushMs: fields.duration('stats_flush_interval') ?? PLAIN_STATS.flushMs,
  };
  readExtensions(fields);
  const runtimeJson = fields.raw('layered_runtime');
  const resources = fields.message('static_resources', (inner) => ({
    listeners: inner.items('listeners').filter((one) => isObject(one)),
    clusters: inner.items('clusters').filter((one) => isObject(one)),
    secrets: inner.items('secrets').filter((one) => isObject(one)),
    checked: inner.list('secrets', readSecret),
  }));
  const dynamic = fields.message('dynamic_resources', (inner) => ({
    listeners: inner.message('lds_config', readResourceSource),
    clusters: inner.message('cds_config', readResourceSource),
    ads: inner.message('ads_config', readAds),
  }));
  if ([dynamic?.listeners, dynamic?.clusters].some((one) => one && !one.file) && !dynamic?.ads) {
    fields.problem('dynamic_resources.ads_config', 'value is required');
  }
  for (const key of ['id', 'cluster'] as const) {
    if (dynamic?.ads && !node[key]) {
      fields.problem(
        `node.${key}`,
        `a control plane needs to know it; set it here or with --service-${NODE_FLAGS[key]}`,
      );
    }
  }
  const admin = fields.message('admin', (inner) => {
    inner.ignore('profile_path');
    const ignoresLimit = inner.flag('ignore_global_conn_limit');
    const logs = { logs: inner.items('access_log'), path: inner.text('access_log_path') };
    return { address: inner.message('address', readAddress), logs, ignoresLimit };
  });
  const manager = fields.message('cluster_manager', (inner) => readManager(inner, resources?.clusters ?? []));
  return {
    node,
    stats,
    nodeName: {
      id: nameOf(node, 'id'),
      cluster: nameOf(node, 'cluster'),
      locality: localityOfNode(node),
      localCluster: manager?.localCluster ?? '',
    },
    bindConfig: manager?.bindConfig,
    listeners: resources?.listeners ?? [],
    clusters: resources?.clusters ?? [],
    secrets: resources?.secrets ?? [],
    admin: admin?.address,
    adminIgnoresLimit: admin?.ignoresLimit ?? false,
    overload: fields.message('overload_manager', readOverload),
    adminLogs: admin?.logs ?? { logs: [], path: '' },
    ads: dynamic?.ads,
    runtimeJson: isObject(runtimeJson) ? runtimeJson : undefined,
    runtime: fields.message('layered_runtime', readRuntime) ?? adminRuntime(),
    discoverListeners: dynamic?.listeners,
    discoverClusters: dynamic?.clusters,
  };
}

const NODE_FLAGS = { id: 'node', cluster: 'cluster' } as const;

/** The node as the control plane is told, with the command line in place of the bootstrap. */
function nodeOf(fields: Fields, identity: NodeIdentity | undefined): JsonObject {
  const raw = fields.raw('node');
  const node: Record<string, JsonValue> = isObject(raw) ? { ...raw } : {};
  if (identity?.id) node['id'] = identity.id;
  if (identity?.cluster) node['cluster'] = identity.cluster;
  if (identity?.zone) {
    const { locality } = node;
    node['locality'] = { ...(isObject(locality) ? locality : {}), zone: identity.zone };
  }
  return node;
}

function localityOfNode({ locality }: JsonObject): Locality | undefined {
  return isObject(locality) ? readMessage(locality, 'node.locality', [], readLocality) : undefined;
}

interface Manager {
  readonly localCluster: string;
  readonly bindConfig: BindConfig | undefined;
}

function readManager(fields: Fields, clusters: readonly JsonObject[]): Manager {
  const localCluster = fields.text('local_cluster_name');
  if (localCluster && !clusters.some((one) => one['name'] === localCluster))
    fields.problem('local_cluster_name', `local cluster ${JSON.stringify(localCluster)} must be defined`);
  return { localCluster, bindConfig: fields.message('upstream_bind_config', readBindConfig) };
}

function nameOf(node: JsonObject, key: 'id' | 'cluster'): string {
  const value = node[key];
  return typeof value === 'string' ? value : '';
}

function readAds(fields: Fields): NonNullable<Bootstrap['ads']> {
  fields.ignore('set_node_on_first_message_only', 'rate_limit_settings');
  fields.choice('transport_api_version', ['AUTO', 'V3', 'V2']);
  const form = fields.raw('api_type') === 'DELTA_GRPC' ? 'delta' : 'sotw';
  const type = fields.raw('api_type');
  if (type !== 'GRPC' && type !== 'DELTA_GRPC') {
    fields.problem('api_type', `${JSON.stringify(type ?? null)} is not supported`, 'GRPC, DELTA_GRPC');
  }
  const clusters = fields.list('grpc_services', readGrpcCluster);
  const [cluster] = clusters;
  if (!cluster || clusters.length > 1) fields.problem('grpc_services', `found ${clusters.length}`, 'exactly one');
  return { cluster: cluster ?? '', form };
}
