import { randomUUID } from 'node:crypto';
import { formatApiError } from '../kube/index.ts';
import { applyManifest, deleteManifest } from './deploy.ts';
import { type Edges, RunFault, until } from './edges.ts';
import type { Manifest, ManifestValues } from './manifests.ts';

/** On a CiliumNode: the newest policy, Envoy configuration or setting that is in force there. */
const observedAnnotation = 'ciliate.dev/observed-resource-version';
const enforcedTimeoutMs = 30_000;

interface CiliumNode {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

/** Waits until every node has put this resource version into force. */
async function untilEnforced(edges: Edges, version: string): Promise<void> {
  await until(edges, `resource version ${version} is not in force on every node`, enforcedTimeoutMs, async () => {
    const nodes = await edges.kube.list<CiliumNode>({ group: 'cilium.io', version: 'v2', resource: 'ciliumnodes' });
    if (!nodes.ok) throw new RunFault(formatApiError(nodes.error));
    const enforced = nodes.value.items.every(({ metadata }) =>
      isAtLeast(metadata.annotations?.[observedAnnotation], version),
    );
    return enforced && nodes.value.items.length > 0 ? true : undefined;
  });
}

function isAtLeast(observed: string | undefined, version: string): boolean {
  return /^\d+$/.test(observed ?? '') && /^\d+$/.test(version) && BigInt(observed ?? 0) >= BigInt(version);
}

export type Log = (text: string) => void;

/** Applies policies and waits for them. */
export async function applyPolicies(
  edges: Edges,
  manifests: readonly Manifest[],
  { namespace }: ManifestValues,
  log: Log,
): Promise<void> {
  let newest = 0n;
  for (const manifest of manifests) {
    log(`  ℹ️  📜 Applying ${manifest.kind} '${manifest.metadata.name}' to namespace '${namespace}'..\n`);
    const version = BigInt(await applyManifest(edges, manifest));
    if (version > newest) newest = version;
  }
  if (newest > 0n) await untilEnforced(edges, String(newest));
}

/**
 * Removes the policies and waits until no node enforces them. Nodes see a removal, but its version is not told to the one
 * who removes; so a policy that selects nothing follows it, and its version is waited for instead.
 */
export async function removePolicies(
  edges: Edges,
  manifests: readonly Manifest[],
  { namespace }: ManifestValues,
  log: Log,
): Promise<void> {
  if (manifests.length === 0) return;
  for (const manifest of manifests) {
    log(`  ℹ️  📜 Deleting ${manifest.kind} '${manifest.metadata.name}' from namespace '${namespace}'..\n`);
    await deleteManifest(edges, manifest);
  }
  if (edges.signal.aborted) throw new RunFault('interrupted');
  const { fence, version } = await applyFence(edges, namespace);
  try {
    await untilEnforced(edges, version);
  } finally {
    await deleteManifest(edges, fence);
  }
}

/** Replaces an object that has no version which nodes tell of, and waits until a policy after it is in force. `removePolicies` takes that one away. */
export async function replaceObject(edges: Edges, manifest: Manifest, { namespace }: ManifestValues): Promise<void> {
  await applyManifest(edges, manifest);
  const { version } = await applyFence(edges, namespace);
  await untilEnforced(edges, version);
}

async function applyFence(
  edges: Edges,
  namespace: string,
): Promise<{ readonly fence: Manifest; readonly version: string }> {
  const fence: Manifest & { readonly spec: unknown } = {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name: 'connectivity-test-fence', namespace },
    spec: {
      // An object that stays as it is gets no version.
      description: randomUUID(),
      endpointSelector: { matchLabels: { 'ciliate.dev/selects': 'nothing' } },
      egress: [{}],
    },
  };
  return { fence, version: await applyManifest(edges, fence) };
}
