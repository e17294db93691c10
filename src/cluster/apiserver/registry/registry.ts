import type { KubernetesObject } from '../../store.ts';
import { builtinResources } from './builtins.ts';
import { customResources } from './custom.ts';
import { compareVersions, type ResourceDefinition, type ServedVersion, splitApiVersion } from './definition.ts';

/** A CustomResourceDefinition as code or a store gives it. */
export interface ResourceDefinitionManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

/** All kinds that exist now. `generation` changes with every change of the custom ones, so that derived documents can be cached. */
export interface Registry {
  readonly generation: number;
  resources(): readonly ResourceDefinition[];
  byKey(key: string): ResourceDefinition | undefined;
  byPlural(group: string, version: string, plural: string): ServedResource | undefined;
  byKind(apiVersion: string, kind: string): ServedResource | undefined;
  /** Versions of a group that some resource serves, most preferred first. */
  versionsOf(group: string): readonly string[];
  /** The resources that a CustomResourceDefinition made. */
  customOf(crdName: string): readonly ResourceDefinition[];
  addCustom(crd: KubernetesObject): void;
  removeCustom(crd: KubernetesObject): void;
}

export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly served: ServedVersion;
}

/** A registry with the built-in kinds and the given CustomResourceDefinitions. */
export function createRegistry(crds: readonly ResourceDefinitionManifest[] = []): Registry {
  const byKey = new Map<string, ResourceDefinition>(builtinResources().map((resource) => [resource.key, resource]));
  const definedBy = new Map<string, readonly ResourceDefinition[]>();
  let generation = 1;

  const served = (definition: ResourceDefinition | undefined, version: string): ServedResource | undefined => {
    const found = definition?.versions.find((candidate) => candidate.version === version);
    return definition && found ? { definition, served: found } : undefined;
  };
  const forget = (name: string) => {
    for (const { key } of definedBy.get(name) ?? []) byKey.delete(key);
    definedBy.delete(name);
  };

  const registry: Registry = {
    get generation() {
      return generation;
    },
    resources: () => [...byKey.values()],
    byKey: (key) => byKey.get(key),
    byPlural(group, version, plural) {
      for (const definition of byKey.values()) {
        const found = definition.group === group && definition.plural === plural && served(definition, version);
        if (found) return found;
      }
      return undefined;
    },
    customOf: (crdName) => definedBy.get(crdName) ?? [],
    byKind(apiVersion, kind) {
      const { group, version } = splitApiVersion(apiVersion);
      for (const definition of byKey.values()) {
        if (definition.group === group && definition.kind === kind) {
          const found = served(definition, version);
          if (found) return found;
        }
      }
      return undefined;
    },
    versionsOf(group) {
      const versions = new Set<string>();
      for (const definition of byKey.values()) {
        if (definition.group === group) for (const { version } of definition.versions) versions.add(version);
      }
      return [...versions].sort(compareVersions);
    },
    addCustom(crd) {
      forget(crd.metadata.name);
      const definitions = customResources(crd).filter(({ key }) => byKey.get(key)?.custom !== false);
      for (const definition of definitions) byKey.set(definition.key, definition);
      definedBy.set(crd.metadata.name, definitions);
      generation++;
    },
    removeCustom(crd) {
      forget(crd.metadata.name);
      generation++;
    },
  };
  for (const crd of crds) registry.addCustom(crd as KubernetesObject);
  return registry;
}
