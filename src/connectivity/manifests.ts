import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ResourcePath } from '../kube/index.ts';

/** An object of a manifest, undecoded but for what names it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export interface ManifestValues {
  readonly namespace: string;
  readonly externalTarget: string;
}

const defaultNamespace = 'cilium-test';
const defaultTarget = 'one.one.one.one';

/** The objects of a file under `examples/`, with namespace and external target put in the place of the usual ones. */
export function readManifests(file: string, { namespace, externalTarget }: ManifestValues): Manifest[] {
  const { parseAllDocuments } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const text = readFileSync(new URL(`../../examples/${file}`, import.meta.url), 'utf8');
  const replaced = (value: unknown): unknown => {
    if (value === defaultNamespace) return namespace;
    if (value === defaultTarget) return externalTarget;
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item)]));
  };
  return parseAllDocuments(text).map((document) => replaced(document.toJS()) as Manifest);
}

const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Service: 'services',
  Deployment: 'deployments',
  CiliumNetworkPolicy: 'ciliumnetworkpolicies',
};

/** Where the object stands in the API. */
export function pathOf({ apiVersion, kind, metadata }: Manifest): ResourcePath {
  const slash = apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    resource: plurals[kind] ?? `${kind.toLowerCase()}s`,
    namespace: metadata.namespace,
    name: metadata.name,
  };
}
