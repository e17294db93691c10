import { fail, type Issue, type LabelSelector, ok, type Result } from '../../base/index.ts';
import { type DecodedResource, decodeEnvoyJson, isJsonObject, typeNameOf, typeUrl } from '../envoy/index.ts';
import { withEnvoyDefaults } from './envoy-config-defaults.ts';
import {
  createFaults,
  type Faults,
  type Fields,
  fieldsAt,
  isFields,
  itemsAt,
  listAt,
  quoted,
  textAt,
} from './faults.ts';
import { selectorAt } from './selectors.ts';

/** A CiliumEnvoyConfig or CiliumClusterwideEnvoyConfig that is known to be valid. */
export interface EnvoyConfigObject {
  readonly kind: 'CiliumEnvoyConfig' | 'CiliumClusterwideEnvoyConfig';
  /** Absent for cluster-scoped objects: CiliumClusterwideEnvoyConfig, and CiliumEnvoyConfig of `cilium.io/v2alpha1`. */
  readonly namespace?: string;
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly services: readonly ServiceListener[];
  readonly backendServices: readonly BackendService[];
  /** In the order of the manifest, with Cilium's defaults filled in and names as written. */
  readonly resources: readonly DecodedResource[];
  /** Nodes that the configuration is for; absent: every node. */
  readonly nodeSelector?: LabelSelector;
}

/** A Service whose traffic is redirected. */
export interface ServiceListener {
  readonly fieldPath: string;
  readonly namespace: string;
  readonly name: string;
  /** Frontend ports; empty: all. */
  readonly ports: readonly number[];
  /** Name of a listener of the same object; absent: the first one. */
  readonly listener?: string;
}

/** A Service whose backends are wanted without a redirect. */
export interface BackendService {
  readonly fieldPath: string;
  readonly namespace: string;
  readonly name: string;
  /** Port numbers or names; empty: all. */
  readonly ports: readonly string[];
}

/**
 * Everything wrong with a CiliumEnvoyConfig or CiliumClusterwideEnvoyConfig that makes it invalid by itself: Envoy resources that do not
 * decode, break validation rules, have no name or the name of another. What Cilium fills in before validating is not missed.
 */
export function validateEnvoyConfig(object: unknown): readonly Issue[] {
  const result = decodeEnvoyConfig(object);
  return result.ok ? [] : result.error;
}

/** The object with Cilium's defaults injected into its resources: ADS as configuration source, the router's typed_config. */
export function normaliseEnvoyConfig(object: Fields): Fields {
  const spec = object['spec'];
  if (!isFields(spec) || !Array.isArray(spec['resources'])) return object;
  const resources = spec['resources'].map((resource) =>
    isJsonObject(resource) ? withEnvoyDefaults(resource) : resource,
  );
  return { ...object, spec: { ...spec, resources } };
}

/** Decodes an object of either kind, normalised; the issues are those of `validateEnvoyConfig`. */
export function decodeEnvoyConfig(object: unknown): Result<EnvoyConfigObject, readonly Issue[]> {
  if (!isFields(object)) return fail([{ path: '', message: 'must be an object' }]);
  const kind = object['kind'];
  if (kind !== 'CiliumEnvoyConfig' && kind !== 'CiliumClusterwideEnvoyConfig') {
    const allowed = 'CiliumEnvoyConfig, CiliumClusterwideEnvoyConfig';
    return fail([{ path: 'kind', message: `found ${quoted(kind)}`, allowed }]);
  }
  const faults = createFaults();
  const metadata = fieldsAt(faults, object, 'metadata', '') ?? {};
  const clusterScoped = kind === 'CiliumClusterwideEnvoyConfig' || object['apiVersion'] === 'cilium.io/v2alpha1';
  const namespace = clusterScoped ? undefined : (textAt(faults, metadata, 'namespace', 'metadata') ?? 'default');
  const spec = fieldsAt(faults, normaliseEnvoyConfig(object), 'spec', '') ?? {};
  const services = readServices(faults, spec, namespace);
  const backendServices = readBackendServices(faults, spec, namespace);
  const nodeSelector = selectorAt(faults, spec, 'nodeSelector', 'spec');
  const resources = readResources(faults, spec);
  const name = textAt(faults, metadata, 'name', 'metadata') ?? '';
  if (faults.issues.length > 0) return fail(faults.issues);
  return ok({
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    annotations: texts(metadata['annotations']),
    labels: texts(metadata['labels']),
    services,
    backendServices,
    resources,
    ...(nodeSelector ? { nodeSelector } : {}),
  });
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (!isFields(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** A namespaced object always means its own namespace; a cluster-scoped one says which, `default` if it does not. */
function serviceNamespace(faults: Faults, item: Fields, path: string, own: string | undefined): string {
  const given = textAt(faults, item, 'namespace', path);
  return own ?? (given || 'default');
}

function readServices(faults: Faults, spec: Fields, own: string | undefined): readonly ServiceListener[] {
  return (itemsAt(faults, spec, 'services', 'spec') ?? []).map(({ item, path }) => {
    const listener = textAt(faults, item, 'listener', path);
    return {
      fieldPath: path,
      namespace: serviceNamespace(faults, item, path, own),
      name: requiredName(faults, item, path),
      ports: (listAt(faults, item, 'ports', path) ?? []).flatMap((port, position) => {
        if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65535) return [port];
        faults.add(`${path}.ports[${position}]`, `found ${quoted(port)}`, '0 to 65535');
        return [];
      }),
      ...(listener ? { listener } : {}),
    };
  });
}

function readBackendServices(faults: Faults, spec: Fields, own: string | undefined): readonly BackendService[] {
  return (itemsAt(faults, spec, 'backendServices', 'spec') ?? []).map(({ item, path }) => ({
    fieldPath: path,
    namespace: serviceNamespace(faults, item, path, own),
    name: requiredName(faults, item, path),
    ports: (listAt(faults, item, 'number', path) ?? []).flatMap((port, position) => {
      if (typeof port === 'string' && port !== '') return [port];
      faults.add(`${path}.number[${position}]`, `found ${quoted(port)}`, 'a port number or name as text');
      return [];
    }),
  }));
}

function requiredName(faults: Faults, item: Fields, path: string): string {
  const name = textAt(faults, item, 'name', path) ?? '';
  if (name === '') faults.add(`${path}.name`, 'name must be specified', 'the name of a Service');
  return name;
}

/** Types that a configuration may hold, with the word that Cilium's texts use for each. */
const supportedTypes: ReadonlyMap<string, { readonly word: string; readonly field: string }> = new Map([
  [typeUrl.listener, { word: 'Listener', field: 'name' }],
  [typeUrl.route, { word: 'RouteConfiguration', field: 'name' }],
  [typeUrl.cluster, { word: 'Cluster', field: 'name' }],
  [typeUrl.endpoint, { word: 'ClusterLoadAssignment', field: 'cluster_name' }],
  [typeUrl.secret, { word: 'Secret', field: 'name' }],
]);

function readResources(faults: Faults, spec: Fields): readonly DecodedResource[] {
  const seen = new Set<string>();
  return (itemsAt(faults, spec, 'resources', 'spec') ?? []).flatMap(({ item, path }) => {
    const resource = readResource(faults, item, path);
    if (!resource) return [];
    const { word, field } = supportedTypes.get(resource.typeUrl) ?? { word: 'resource', field: 'name' };
    const key = `${resource.typeUrl}\n${resource.name}`;
    if (resource.name === '') faults.add(`${path}.${field}`, `unspecified ${word} ${field}`);
    else if (seen.has(key)) faults.add(`${path}.${field}`, `duplicate ${word} ${field} ${quoted(resource.name)}`);
    seen.add(key);
    return [resource];
  });
}

function readResource(faults: Faults, item: Fields, path: string): DecodedResource | undefined {
  const url = item['@type'];
  if (typeof url === 'string' && ![...supportedTypes.keys()].some((each) => typeNameOf(each) === typeNameOf(url))) {
    faults.add(`${path}.@type`, `unsupported type: ${url.slice(0, 200)}`, [...supportedTypes.keys()].join(', '));
    return undefined;
  }
  const decoded = decodeEnvoyJson(item, { path });
  if (decoded.ok) return decoded.value;
  for (const issue of decoded.error) faults.add(issue.path, issue.message, issue.allowed);
  return undefined;
}
