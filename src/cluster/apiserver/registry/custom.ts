import { scopeAnnotationPrefix } from '../../../model/cilium/index.ts';
import type { KubernetesObject } from '../../store.ts';
import { customColumns } from '../printers/custom.ts';
import { at, isRecord, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { type JsonSchema, structuralShape } from '../schema/structural.ts';
import { compareVersions, type ResourceDefinition, resourceKey, type ServedVersion } from './definition.ts';

/**
 * Reads a CustomResourceDefinition (already validated) as the resources it makes; none when it serves no version.
 * All versions show the same objects, but for those whose scope an annotation changes: each of them is a collection of its own.
 */
export function customResources(crd: KubernetesObject): readonly ResourceDefinition[] {
  const scope = stringAt(crd, 'spec', 'scope') ?? 'Cluster';
  const versions = listAt(crd, 'spec', 'versions').filter(isRecord);
  const annotations = crd.metadata.annotations ?? {};
  const isApart = (version: Record<string, unknown>) => {
    const own = annotations[`${scopeAnnotationPrefix}${String(version['name'])}`];
    return own !== undefined && own !== scope;
  };
  const together = versions.filter((version) => !isApart(version));
  const storage = together.find((version) => version['storage'] === true) ?? together[0];
  return [
    ...resourceOf(crd, together, String(storage?.['name']), scope === 'Namespaced', false),
    ...versions
      .filter(isApart)
      .flatMap((version) => resourceOf(crd, [version], String(version['name']), scope !== 'Namespaced', true)),
  ];
}

function resourceOf(
  crd: KubernetesObject,
  versions: readonly Record<string, unknown>[],
  storageVersion: string,
  namespaced: boolean,
  apart: boolean,
): readonly ResourceDefinition[] {
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const names = recordAt(crd, 'spec', 'names') ?? {};
  const plural = stringAt(names, 'plural') ?? '';
  const kind = stringAt(names, 'kind') ?? '';
  const served = versions
    .filter((version) => version['served'] === true)
    .map(servedVersion)
    .sort((a, b) => compareVersions(a.version, b.version));
  if (served.length === 0) return [];
  return [
    {
      key: apart ? `${plural}.${storageVersion}.${group}` : resourceKey(group, plural),
      group,
      plural,
      singular: stringAt(names, 'singular') ?? kind.toLowerCase(),
      kind,
      listKind: stringAt(names, 'listKind') ?? `${kind}List`,
      namespaced,
      shortNames: listAt(names, 'shortNames').map(String),
      categories: listAt(names, 'categories').map(String),
      subresources: [],
      storageVersion,
      versions: served,
      custom: true,
      ephemeral: false,
    },
  ];
}

function servedVersion(version: Record<string, unknown>): ServedVersion {
  const schema: JsonSchema | undefined = recordAt(version, 'schema', 'openAPIV3Schema');
  let shape: ReturnType<typeof structuralShape> | undefined;
  let columns: ServedVersion['columns'] | undefined;
  const warning = stringAt(version, 'deprecationWarning');
  return {
    version: String(version['name']),
    get shape() {
      shape ??= structuralShape(schema);
      return shape;
    },
    get columns() {
      columns ??= customColumns(
        listAt(version, 'additionalPrinterColumns')
          .filter(isRecord)
          .map((column) => ({
            name: String(column['name']),
            type: String(column['type']),
            jsonPath: String(column['jsonPath']),
            priority: numberAt(column, 'priority') ?? 0,
            description: stringAt(column, 'description') ?? '',
          })),
      );
      return columns;
    },
    ...(schema ? { schema } : {}),
    hasStatus: at(version, 'subresources', 'status') !== undefined,
    hasScale: false,
    selectableFields: listAt(version, 'selectableFields')
      .map((field) => stringAt(field, 'jsonPath') ?? '')
      .map((jsonPath) => jsonPath.replace(/^\./, '')),
    ...(version['deprecated'] === true && warning !== undefined ? { deprecationWarning: warning } : {}),
  };
}
