import { apiVersionOf, type ResourceDefinition, type ServedVersion } from '../registry/definition.ts';
import type { Registry } from '../registry/registry.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

const SUBRESOURCES: Readonly<Record<string, Subresource>> = {
  log: { name: 'log', verbs: ['get'] },
  exec: { name: 'exec', verbs: ['create', 'get'], kind: 'PodExecOptions' },
  attach: { name: 'attach', verbs: ['create', 'get'], kind: 'PodAttachOptions' },
  portforward: { name: 'portforward', verbs: ['create', 'get'], kind: 'PodPortForwardOptions' },
  binding: { name: 'binding', verbs: ['create'], kind: 'Binding' },
  eviction: { name: 'eviction', verbs: ['create'], group: 'policy', version: 'v1', kind: 'Eviction' },
  status: { name: 'status', verbs: ['get', 'patch', 'update'] },
  scale: { name: 'scale', verbs: ['get', 'patch', 'update'], group: 'autoscaling', version: 'v1', kind: 'Scale' },
};

function verbsOf(resource: ResourceDefinition): readonly string[] {
  return resource.ephemeral ? ['create'] : VERBS;
}

function subresourcesOf(resource: ResourceDefinition, served: ServedVersion): readonly Subresource[] {
  const names = [
    ...resource.subresources,
    ...(served.hasStatus ? ['status'] : []),
    ...(served.hasScale ? ['scale'] : []),
  ];
  return names.flatMap((name) => SUBRESOURCES[name] ?? []);
}

function groupsOf(registry: Registry, core: boolean): readonly string[] {
  const groups = new Set(registry.resources().map(({ group }) => group));
  return [...groups].filter((group) => (group === '') === core);
}

function servedIn(registry: Registry, group: string, version: string) {
  return registry.resources().flatMap((resource) => {
    const served = resource.versions.find((candidate) => candidate.version === version);
    return resource.group === group && served ? [{ resource, served }] : [];
  });
}

/** `APIGroupDiscoveryList`: everything under `/api` (core) or `/apis` in one answer. */
export function aggregatedDiscovery(registry: Registry, core: boolean, version: 'v2' | 'v2beta1'): unknown {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groupsOf(registry, core).map((group) => ({
      metadata: { name: group, creationTimestamp: null },
      versions: registry.versionsOf(group).map((served) => ({
        version: served,
        freshness: 'Current',
        resources: servedIn(registry, group, served).map((entry) => aggregatedResource(entry.resource, entry.served)),
      })),
    })),
  };
}

function aggregatedResource(resource: ResourceDefinition, served: ServedVersion): unknown {
  const responseKind = { group: resource.group, version: served.version, kind: resource.kind };
  return {
    resource: resource.plural,
    responseKind,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: verbsOf(resource),
    shortNames: resource.shortNames,
    categories: resource.categories,
    subresources: subresourcesOf(resource, served).map(({ name, verbs, group, version, kind }) => ({
      subresource: name,
      responseKind: {
        group: group ?? resource.group,
        version: version ?? served.version,
        kind: kind ?? resource.kind,
      },
      verbs,
    })),
  };
}

/** `APIVersions` or `APIGroupList`, for clients without aggregated discovery. */
export function legacyGroups(registry: Registry, core: boolean): unknown {
  if (core) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: groupsOf(registry, false).map((group) => groupEntry(registry, group)),
  };
}

/** `APIGroup`; undefined when there is no such group. */
export function legacyGroup(registry: Registry, group: string): unknown {
  if (group === '' || registry.versionsOf(group).length === 0) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(registry, group) };
}

function groupEntry(registry: Registry, group: string) {
  const versions = registry
    .versionsOf(group)
    .map((version) => ({ groupVersion: apiVersionOf(group, version), version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

/** `APIResourceList` of one group version; undefined when it is not served. */
export function legacyResources(registry: Registry, group: string, version: string): unknown {
  const entries = servedIn(registry, group, version);
  if (entries.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(group, version),
    resources: entries.flatMap(({ resource, served }) => [
      {
        name: resource.plural,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: verbsOf(resource),
        ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
        ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
      },
      ...subresourcesOf(resource, served).map((sub) => ({
        name: `${resource.plural}/${sub.name}`,
        singularName: '',
        namespaced: resource.namespaced,
        kind: sub.kind ?? resource.kind,
        ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
        verbs: sub.verbs,
      })),
    ]),
  };
}
