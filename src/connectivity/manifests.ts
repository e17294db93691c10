import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { ResourcePath } from '../kube/index.ts';
import type { ExternalTargets } from './model.ts';

/** An object of a manifest, undecoded but for what names it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export interface ManifestValues {
  readonly namespace: string;
  readonly external: ExternalTargets;
}

export const defaultNamespace = 'cilium-test';

/** The host that stands for the outside world of an embedded cluster. */
export const defaultExternal: ExternalTargets = {
  target: 'one.one.one.one',
  otherTarget: 'k8s.io',
  address: '203.0.113.10',
  otherAddress: '203.0.113.11',
  cidr: '203.0.113.0/24',
};

/** The objects of a file under `examples/`, with namespace and external targets put in the place of the usual ones. */
export function readManifests(file: string, values: ManifestValues): Manifest[] {
  const { parseAllDocuments } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  const text = readFileSync(new URL(`../../examples/${file}`, import.meta.url), 'utf8');
  const replacements = replacementsOf(values);
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return replacements.get(value) ?? value;
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item)]));
  };
  return parseAllDocuments(text).map((document) => replaced(document.toJS()) as Manifest);
}

/** What stands in the files to what has to stand there. */
function replacementsOf({ namespace, external }: ManifestValues): ReadonlyMap<string, string> {
  return new Map([
    [defaultNamespace, namespace],
    [defaultExternal.target, external.target],
    [defaultExternal.otherTarget, external.otherTarget],
    [`${defaultExternal.address}/32`, `${external.address}/32`],
    [`${defaultExternal.otherAddress}/32`, `${external.otherAddress}/32`],
    [defaultExternal.cidr, external.cidr],
  ]);
}

const plurals: Readonly<Record<string, string>> = {
  Namespace: 'namespaces',
  Service: 'services',
  Deployment: 'deployments',
  NetworkPolicy: 'networkpolicies',
  CiliumNetworkPolicy: 'ciliumnetworkpolicies',
  CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicies',
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
