import { urlPath } from '../../kube/index.ts';
import { Failure, need } from './failure.ts';
import { discover, displayName, type Kind, kindOfManifest, pathOf } from './kinds.ts';
import { isFields, type Manifest, readManifests } from './manifests.ts';
import type { Session } from './session.ts';
import { threeWayPatch } from './three-way.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const manager = 'kubectl-client-side-apply';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Creates or changes the objects of the files, noting the manifest in the object as kubectl does, so that both can take turns.
 * A refused object does not stop the others; the command then fails at its end.
 */
export async function apply(session: Session, files: readonly string[]): Promise<void> {
  const manifests = await readManifests(session.io, files);
  let kinds = await discover(session.client);
  const refusals: string[] = [];
  for (const manifest of manifests) {
    try {
      const kind = kindOfManifest(kinds, manifest.apiVersion, manifest.kind);
      const name = nameOf(manifest);
      const done = await applyOne(session, kind, name, manifest);
      session.io.stdout.write(`${displayName(kind, name)} ${done}\n`);
      // What follows may be of the kind just defined.
      if (manifest.kind === 'CustomResourceDefinition') kinds = await discover(session.client);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refusals.push(
        error.message.replace(/^(Error from server[^:]*: )/, `$1error when applying "${manifest.source}": `),
      );
    }
  }
  if (refusals.length > 0) throw new Failure(refusals.join('\n'));
}

export function nameOf({ metadata, kind, source }: Manifest): string {
  const name = metadata['name'];
  if (typeof name === 'string' && name !== '') return name;
  throw new Failure(`error: ${source}: ${kind} lacks metadata.name`);
}

/** The manifest's own namespace, which must not contradict `-n`. */
export function namespaceOf({ metadata }: Manifest, session: Session): string {
  const own = metadata['namespace'];
  return typeof own === 'string' && own !== '' ? own : session.namespace;
}

async function applyOne(session: Session, kind: Kind, name: string, manifest: Manifest): Promise<string> {
  const { client } = session;
  const namespace = kind.namespaced ? namespaceOf(manifest, session) : undefined;
  const wanted = annotated(manifest, namespace);
  const path = pathOf(kind, namespace, name);
  const present = await client.get<Fields>(path);
  if (!present.ok && present.error.code === 404) {
    const query = { fieldManager: manager, fieldValidation: 'Strict' };
    need(
      await client.request({
        method: 'POST',
        path: urlPath(pathOf(kind, namespace)),
        query,
        body: JSON.stringify(wanted),
      }),
    );
    return 'created';
  }
  const live = need(present);
  const patch = threeWayPatch(lastAppliedOf(live), wanted, live);
  if (!patch) return 'unchanged';
  const query = { fieldManager: manager, fieldValidation: 'Strict' };
  const body = JSON.stringify(patch);
  need(
    await client.request({
      method: 'PATCH',
      path: urlPath(path),
      query,
      contentType: 'application/merge-patch+json',
      body,
    }),
  );
  return 'configured';
}

function annotated({ object, metadata }: Manifest, namespace: string | undefined): Fields {
  const annotations = isFields(metadata['annotations']) ? metadata['annotations'] : {};
  const placed = { ...metadata, ...(namespace === undefined ? {} : { namespace }) };
  const plain = { ...object, metadata: { ...placed, annotations } };
  const note = `${JSON.stringify(plain)}\n`;
  return { ...object, metadata: { ...placed, annotations: { ...annotations, [lastApplied]: note } } };
}

function lastAppliedOf(live: Fields): unknown {
  const metadata = isFields(live['metadata']) ? live['metadata'] : {};
  const note = isFields(metadata['annotations']) ? metadata['annotations'][lastApplied] : undefined;
  if (typeof note !== 'string') return undefined;
  try {
    return JSON.parse(note);
  } catch {
    return undefined;
  }
}
