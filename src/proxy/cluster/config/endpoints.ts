import { type Address, readEndpointAddress } from '../../config/address.ts';
import { type Fields, isObject, type JsonObject } from '../../config/fields.ts';
import { type EndpointCheck, type EndpointConfig, HEALTH, type Locality, localityOf, NO_LOCALITY } from '../host.ts';
import { DEFAULT_OVERPROVISIONING } from '../host-set.ts';

/** A compiled `envoy.config.endpoint.v3.ClusterLoadAssignment`; times in milliseconds. */
export interface Assignment {
  readonly name: string;
  readonly endpoints: readonly EndpointConfig[];
  /** By priority and `Locality.key`. */
  readonly localityWeights: ReadonlyMap<number, ReadonlyMap<string, number>>;
  /** Priorities from 0 up to the highest that is named, with hosts or without. */
  readonly priorities: number;
  readonly overprovisioning: number;
  readonly weightedHealth: boolean;
  /** Without another assignment in this time there are no endpoints any more; 0: they stay. */
  readonly staleAfter: number;
}

export const NO_ASSIGNMENT: Assignment = {
  name: '',
  endpoints: [],
  localityWeights: new Map(),
  priorities: 1,
  overprovisioning: DEFAULT_OVERPROVISIONING,
  weightedHealth: false,
  staleAfter: 0,
};

const HEALTH_FLAGS = {
  UNKNOWN: 0,
  HEALTHY: 0,
  UNHEALTHY: HEALTH.FAILED_EDS_HEALTH,
  DRAINING: HEALTH.EDS_STATUS_DRAINING,
  TIMEOUT: HEALTH.FAILED_EDS_HEALTH,
  DEGRADED: HEALTH.DEGRADED_EDS_HEALTH,
} as const;

export function readAssignment(fields: Fields): Assignment {
  const policy = fields.message('policy', (inner) => {
    return {
      staleAfter: inner.duration('endpoint_stale_after') ?? 0,
      overprovisioning: inner.number('overprovisioning_factor') ?? DEFAULT_OVERPROVISIONING,
      weightedHealth: inner.flag('weighted_priority_health'),
    };
  });
  const localityWeights = new Map<number, Map<string, number>>();
  let priorities = 1;
  const endpoints = fields.list('endpoints', (group) => {
    const priority = group.number('priority') ?? 0;
    priorities = Math.max(priorities, priority + 1);
    const locality = group.message('locality', readLocality);
    const weight = group.number('load_balancing_weight');
    if (locality && weight !== undefined) {
      const weights = localityWeights.get(priority) ?? new Map<string, number>();
      localityWeights.set(priority, weights.set(locality.key, weight));
    }
    // Metadata of localities is for telemetry that is not ours; nothing in Envoy looks at the proximity.
    group.ignore('metadata', 'proximity');
    return group.list('lb_endpoints', (one) => readEndpoint(one, priority, locality ?? NO_LOCALITY));
  });
  return {
    name: fields.text('cluster_name'),
    endpoints: endpoints.flat().filter((one) => one !== undefined),
    localityWeights,
    priorities,
    overprovisioning: policy?.overprovisioning ?? DEFAULT_OVERPROVISIONING,
    weightedHealth: policy?.weightedHealth ?? false,
    staleAfter: policy?.staleAfter ?? 0,
  };
}

export function readLocality(fields: Fields): Locality {
  return localityOf(fields.text('region'), fields.text('zone'), fields.text('sub_zone'));
}

function readEndpoint(fields: Fields, priority: number, locality: Locality): EndpointConfig | undefined {
  const status = fields.choice('health_status', ['UNKNOWN', 'HEALTHY', 'UNHEALTHY', 'DRAINING', 'TIMEOUT', 'DEGRADED']);
  const weight = fields.number('load_balancing_weight') ?? 1;
  const metadata = fields.message('metadata', readMetadata);
  const found = fields.message('endpoint', (endpoint) => ({
    address: endpoint.message('address', readEndpointAddress),
    others: endpoint.list('additional_addresses', readAdditional).filter((one) => one !== undefined),
    hostname: endpoint.text('hostname'),
    check: endpoint.message('health_check_config', readCheck),
  }));
  if (!found?.address) {
    fields.problem('endpoint', 'an address is required');
    return undefined;
  }
  const { address, others, hostname, check } = found;
  const port = check?.port ?? 0;
  if (port > 0 && address.kind !== 'socket')
    fields.problem('endpoint.health_check_config.port_value', 'needs an IP address');
  return {
    address,
    ...(others.length > 0 ? { others } : {}),
    hostname,
    weight,
    health: HEALTH_FLAGS[status],
    priority,
    locality,
    metadata,
    check: check && { ...check, address: withPort(check.address ?? address, port) },
  };
}

function readAdditional(fields: Fields): Address | undefined {
  if (!fields.has('address')) fields.problem('address', 'value is required');
  return fields.message('address', readEndpointAddress);
}

function withPort(address: Address, port: number): Address {
  return port > 0 && address.kind === 'socket' ? { ...address, port } : address;
}

function readCheck(fields: Fields): EndpointCheck & { readonly port: number } {
  return {
    port: fields.number('port_value') ?? 0,
    address: fields.message('address', readEndpointAddress),
    hostname: fields.text('hostname'),
    disabled: fields.flag('disable_active_health_check'),
  };
}

/** `filter_metadata` of an `envoy.config.core.v3.Metadata`; typed metadata is for extensions that are not here. */
function readMetadata(fields: Fields): JsonObject | undefined {
  fields.ignore('typed_filter_metadata');
  const values = fields.raw('filter_metadata');
  return isObject(values) ? values : undefined;
}
