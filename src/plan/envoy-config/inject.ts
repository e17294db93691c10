import {
  agentAccessLog,
  agentTcpAccessLog,
  defaultCircuitBreakers,
  denialMapper,
  filterName,
  httpProtocolOptionsName,
  isObject,
  loopbackAddress,
  networkPolicyFilter,
  objectAt,
  objectsAt,
  originalDstFilter,
  originalSrcFilter,
  policyFilters,
  textAt,
  tlsInspectorFilter,
  tlsPolicyFilter,
  typedConfig,
  upstreamCodecFilter,
} from '../envoy-json.ts';
import type { JsonObject } from '../node-plan.ts';
import { isTcpProxy } from './tcp-clusters.ts';

export interface ListenerInjection {
  /** Port on the node's loopback for a listener without an address. */
  readonly port?: number;
  /** Connections to backends start from the client's own address. */
  readonly useOriginalSource: boolean;
  /** Requests are logged to the agent and denials get Cilium's body. */
  readonly visible: boolean;
  /** Policy redirects to it: what goes to a backend on this node is judged by that one's ingress rules here. */
  readonly judged: boolean;
  /** The rules by which rules for it judge server names; undefined where none asks for any. */
  readonly names: string | undefined;
  /** The body of denials; empty: Cilium's. */
  readonly deniedMessage: string;
}

/** The user's listener with what it needs to take redirected connections and to be seen; its own settings stay. */
export function injectListener(
  listener: JsonObject,
  { port, useOriginalSource, ...manner }: ListenerInjection,
): JsonObject {
  const name = textAt(listener, 'name');
  const filters = objectsAt(listener, 'listener_filters');
  const has = (filter: JsonObject) => filters.some((each) => textAt(each, 'name') === textAt(filter, 'name'));
  const chains = objectsAt(listener, 'filter_chains').map((chain) => injectChain(chain, name, manner));
  const fallback = objectAt(listener, 'default_filter_chain');
  return {
    ...listener,
    ...(port !== undefined && {
      address: loopbackAddress(port),
      transparent: true,
      listener_filters: [
        ...(has(originalDstFilter) ? [] : [originalDstFilter]),
        ...filters,
        ...(useOriginalSource && !has(originalSrcFilter) ? [originalSrcFilter] : []),
        ...(manner.names !== undefined && !has(tlsInspectorFilter) ? [tlsInspectorFilter] : []),
      ],
    }),
    ...(chains.length > 0 && { filter_chains: chains }),
    ...(fallback && { default_filter_chain: injectChain(fallback, name, manner) }),
  };
}

function injectChain(
  chain: JsonObject,
  listener: string,
  manner: Omit<ListenerInjection, 'port' | 'useOriginalSource'>,
): JsonObject {
  const filters = objectsAt(chain, 'filters').map((filter) => {
    const config = objectAt(filter, 'typed_config');
    if (config && manner.judged && isTcpProxy(config))
      return { ...filter, typed_config: injectTcpProxy(config, listener) };
    if (!config || !isHttpConnectionManager(config)) return filter;
    return { ...filter, typed_config: injectHttpManager(config, listener, manner) };
  });
  const last = objectAt(filters.at(-1), 'typed_config');
  const sendsTcp = manner.judged && last !== undefined && isTcpProxy(last);
  return {
    ...chain,
    filters: [
      ...(manner.names === undefined ? [] : [networkPolicyFilter(manner.names)]),
      ...(sendsTcp ? [tlsPolicyFilter('ingress')] : []),
      ...filters,
    ],
  };
}

/** What the network filters before it refuse is told to the agent. */
function injectTcpProxy(config: JsonObject, listener: string): JsonObject {
  return { ...config, access_log: [...objectsAt(config, 'access_log'), agentTcpAccessLog('egress', listener)] };
}

export function isHttpConnectionManager(config: JsonObject): boolean {
  return textAt(config, '@type').endsWith('.http_connection_manager.v3.HttpConnectionManager');
}

function injectHttpManager(
  config: JsonObject,
  listener: string,
  { visible, deniedMessage }: Pick<ListenerInjection, 'visible' | 'deniedMessage'>,
): JsonObject {
  if (!visible) return config;
  const local = objectAt(config, 'local_reply_config');
  return {
    ...config,
    access_log: [...objectsAt(config, 'access_log'), agentAccessLog('egress', listener)],
    local_reply_config: {
      ...local,
      mappers: [...(local ? objectsAt(local, 'mappers') : []), denialMapper(deniedMessage)],
    },
  };
}

/**
 * The user's cluster with Cilium's limits where it names none, and policy judged on the chosen host.
 */
export function injectCluster(cluster: JsonObject): JsonObject {
  const options = objectAt(cluster, 'typed_extension_protocol_options');
  return {
    ...cluster,
    circuit_breakers: cluster['circuit_breakers'] ?? defaultCircuitBreakers,
    typed_extension_protocol_options: {
      ...options,
      [httpProtocolOptionsName]: injectProtocolOptions(cluster, objectAt(options, httpProtocolOptionsName)),
    },
  };
}

const protocolChoices = ['explicit_http_config', 'use_downstream_protocol_config', 'auto_config'] as const;

/** Policy comes last before the codec, so that it judges what goes out after the user's own filters. */
function injectProtocolOptions(cluster: JsonObject, options: JsonObject | undefined): JsonObject {
  const { '@type': _type, ...body } = options ?? {};
  const own = options ? objectsAt(options, 'http_filters') : [];
  const filters = own.filter((filter) => textAt(filter, 'name') !== filterName.upstreamCodec);
  const chosen = protocolChoices.some((choice) => isObject(options?.[choice]));
  return typedConfig(httpProtocolOptionsName, {
    ...body,
    ...(!chosen && { explicit_http_config: legacyProtocol(cluster) }),
    http_filters: [...filters, ...policyFilters, upstreamCodecFilter],
  });
}

/** The options message replaces the cluster's older fields, so what those say moves into it. */
function legacyProtocol(cluster: JsonObject): JsonObject {
  const http2 = objectAt(cluster, 'http2_protocol_options');
  if (http2) return { http2_protocol_options: http2 };
  return { http_protocol_options: objectAt(cluster, 'http_protocol_options') ?? {} };
}
