import type { KubeClient, ResourcePath } from '../../kube/index.ts';
import { Failure, need } from './failure.ts';

/** A kind that the server serves, as its discovery tells. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly listable: boolean;
}

interface Discovery {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version: string; readonly resources?: readonly DiscoveredResource[] }[];
  }[];
}

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: { readonly kind?: string };
  readonly scope?: string;
  readonly singularResource?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs?: readonly string[];
}

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Every kind in the server's order: the core group first, of each group the preferred version first. */
export async function discover(client: KubeClient): Promise<readonly Kind[]> {
  const answers = await Promise.all(
    ['/api', '/apis'].map((path) => client.request<Discovery>({ method: 'GET', path, accept })),
  );
  return answers.flatMap((answer) => {
    const discovery = need(answer);
    if (discovery.kind !== 'APIGroupDiscoveryList')
      throw new Failure('error: the server offers no aggregated discovery');
    return (discovery.items ?? []).flatMap(kindsOfGroup);
  });
}

function kindsOfGroup({ metadata, versions = [] }: NonNullable<Discovery['items']>[number]): Kind[] {
  return versions.flatMap(({ version, resources = [] }) =>
    resources.map(
      ({ resource, responseKind, scope, singularResource, shortNames = [], categories = [], verbs = [] }) => ({
        group: metadata?.name ?? '',
        version,
        resource,
        kind: responseKind?.kind ?? '',
        singular: singularResource || (responseKind?.kind ?? resource).toLowerCase(),
        namespaced: scope === 'Namespaced',
        shortNames,
        categories,
        listable: verbs.includes('list'),
      }),
    ),
  );
}

/** What a user's words `pods`, `po`, `deploy.apps`, `ciliumenvoyconfigs.v2alpha1.cilium.io` or a category mean. */
export function kindsNamed(kinds: readonly Kind[], text: string): readonly Kind[] {
  const wanted = text.toLowerCase();
  const exact = kinds.find((kind) => namesOf(kind).includes(wanted));
  if (exact) return [exact];
  const inCategory = kinds.filter(({ categories, listable }) => listable && categories.includes(wanted));
  const firstVersions = inCategory.filter((kind) => sameResource(inCategory, kind)[0] === kind);
  if (firstVersions.length > 0) return firstVersions;
  throw new Failure(`error: the server doesn't have a resource type "${text}"`);
}

function sameResource(kinds: readonly Kind[], { group, resource }: Kind): readonly Kind[] {
  return kinds.filter((other) => other.group === group && other.resource === resource);
}

function namesOf({ group, version, resource, kind, singular, shortNames }: Kind): string[] {
  return [resource, singular, kind.toLowerCase(), ...shortNames].flatMap((name) =>
    group === '' ? [name] : [name, `${name}.${group}`, `${name}.${version}.${group}`],
  );
}

/** The kind of a manifest, of exactly its version. */
export function kindOfManifest(kinds: readonly Kind[], apiVersion: string, kind: string): Kind {
  const slash = apiVersion.indexOf('/');
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const found = kinds.find((one) => one.group === group && one.version === version && one.kind === kind);
  if (found) return found;
  throw new Failure(`error: no matches for kind "${kind}" in version "${apiVersion}"`);
}

/** `pod/x` or `deployment.apps/x`, as kubectl prints objects. */
export function displayName({ singular, group }: Kind, name: string): string {
  return `${singular}${group === '' ? '' : `.${group}`}/${name}`;
}

export function pathOf(
  { group, version, resource, namespaced }: Kind,
  namespace: string | undefined,
  name?: string,
): ResourcePath {
  return {
    group,
    version,
    resource,
    ...(namespaced && namespace !== undefined ? { namespace } : {}),
    ...(name === undefined ? {} : { name }),
  };
}
