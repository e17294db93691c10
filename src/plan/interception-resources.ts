import type { TlsContext } from '../model/cilium/index.ts';
import {
  namedConfig,
  originalDstCluster,
  originalDstFilter,
  originalSrcFilter,
  secretConfig,
  tlsInspectorFilter,
} from './envoy-json.ts';
import { httpFilter, originalDestinationCluster, redirectListener } from './http-listeners.ts';
import { contextText, type Interception } from './interception.ts';
import type { JsonObject } from './node-plan.ts';
import type { SecretLookup } from './policy-secrets.ts';
import { type TlsSide, tlsMaterial, tlsSecretName } from './tls-secrets.ts';

export interface InterceptionResources {
  readonly listeners: ReadonlyMap<string, JsonObject>;
  readonly clusters: ReadonlyMap<string, JsonObject>;
  readonly secrets: ReadonlyMap<string, JsonObject>;
}

export interface InterceptionOptions {
  readonly ports: ReadonlyMap<string, number>;
  readonly secretOf: SecretLookup;
  /** The body of what policy refuses; empty: Cilium's. */
  readonly deniedMessage: string;
}

/**
 * The listeners for rules with TLS contexts, and what they need. Where a Secret does not hold what it has to, a listener has no chain
 * for TLS, so that such connections end; plain ones go on under the rules, as in Cilium, which does not ask for TLS.
 */
export function interceptionResources(
  interceptions: readonly Interception[],
  { ports, secretOf, deniedMessage }: InterceptionOptions,
): InterceptionResources {
  const resources = {
    listeners: new Map<string, JsonObject>(),
    clusters: new Map<string, JsonObject>(),
    secrets: new Map<string, JsonObject>(),
  };
  for (const interception of interceptions) {
    const { name, direction, tls } = interception;
    const port = ports.get(name);
    if (port === undefined) continue;
    const materials = Object.entries(tls).map(([side, context]) => tlsMaterial(side as TlsSide, context, secretOf));
    const ready = materials.every((one) => 'resource' in one);
    if (ready) for (const { resource } of materials) resources.secrets.set(String(resource['name']), resource);
    const cluster = tls.originating ? originatingCluster(tls.originating) : undefined;
    if (ready && cluster) resources.clusters.set(cluster.name, cluster.value);
    const plain = { filters: [httpFilter(direction, { cluster: originalDstCluster, deniedMessage })] };
    const chain = tlsChain(interception, { cluster: cluster?.name ?? originalDstCluster, deniedMessage });
    const filter_chains = [
      ...(ready ? [chain] : []),
      { ...plain, filter_chain_match: { transport_protocol: 'raw_buffer' } },
    ];
    const listener_filters = [originalDstFilter, originalSrcFilter, tlsInspectorFilter];
    resources.listeners.set(name, redirectListener(name, direction, port, { listener_filters, filter_chains }));
  }
  return resources;
}

/** Clients are offered HTTP/1.1 alone, since destinations are asked for what the client speaks. */
function tlsChain(
  { direction, tls: { terminating }, serverNames }: Interception,
  to: { readonly cluster: string; readonly deniedMessage: string },
): JsonObject {
  const certificate = secretConfig(tlsSecretName('terminating', terminating));
  return {
    filter_chain_match: { transport_protocol: 'tls', ...(serverNames && { server_names: serverNames }) },
    filters: [httpFilter(direction, to)],
    transport_socket: namedConfig(
      'envoy.transport_sockets.tls',
      'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      { common_tls_context: { tls_certificate_sds_secret_configs: [certificate] } },
    ),
  };
}

/** The destination with TLS: it is asked for the host of the request, and must have a certificate for it. */
function originatingCluster(context: TlsContext): { readonly name: string; readonly value: JsonObject } {
  const name = `${originalDstCluster}/tls:${contextText(context)}`;
  const authorities = secretConfig(tlsSecretName('originating', context));
  const socket = namedConfig(
    'envoy.transport_sockets.tls',
    'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    { common_tls_context: { validation_context_sds_secret_config: authorities } },
  );
  const names = { auto_sni: true, auto_san_validation: true };
  return { name, value: originalDestinationCluster(name, { socket, names }) };
}
