import {
  agentTcpAccessLog,
  filterName,
  namedConfig,
  originalDstCluster,
  originalDstFilter,
  originalSrcFilter,
  tlsInspectorFilter,
  tlsPolicyFilter,
} from './envoy-json.ts';
import { policyListener, redirectListener } from './http-listeners.ts';
import type { JsonObject } from './node-plan.ts';

/** A hello is seldom longer; what is makes the client wait for the backend. */
const earlyDataBytes = 16_384;

/**
 * The listener that rules about server names redirect connections of one direction to. It decrypts nothing, and closes what
 * no rule allows with a reset. A backend on this node is not intercepted a second time, so that egress asks its ingress too.
 */
export function tlsListener(direction: 'ingress' | 'egress', port: number): JsonObject {
  const name = direction === 'egress' ? policyListener.tlsEgress : policyListener.tlsIngress;
  const directions = direction === 'egress' ? (['egress', 'ingress'] as const) : (['ingress'] as const);
  const proxy = {
    stat_prefix: name,
    cluster: originalDstCluster,
    // Until its name is judged nothing of a connection reaches the backend, nor of the backend the client.
    upstream_connect_mode: 'ON_DOWNSTREAM_DATA',
    max_early_data_bytes: earlyDataBytes,
    access_log: [agentTcpAccessLog(direction, name)],
  };
  return redirectListener(name, direction, port, {
    listener_filters: [originalDstFilter, originalSrcFilter, tlsInspectorFilter],
    filter_chains: [
      {
        filters: [
          ...directions.map(tlsPolicyFilter),
          namedConfig(filterName.tcpProxy, 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', proxy),
        ],
      },
    ],
  });
}
