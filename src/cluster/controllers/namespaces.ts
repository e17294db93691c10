import type { KubernetesObject } from '../store.ts';
import type { Controller, ControllerContext } from './context.ts';
import { splitKey } from './keys.ts';
import type { Namespace } from './kinds.ts';
import { tolerating } from './status-error.ts';

const nameLabel = 'kubernetes.io/metadata.name';
const finalizer = 'kubernetes';

/** A namespace that cannot be emptied yet is looked at again this often, should an event be missing. */
const sweepAgainMs = 1000;

/** Gives each namespace its label, phase, default ServiceAccount and CA ConfigMap; empties the ones being deleted. */
export const namespaceController: Controller = (context) => {
  const { store, loop } = context;
  /** Namespaces that ended before they were empty; what is left in them goes too. */
  const gone = new Set<string>();
  const queue = loop.queue('namespace', (key) => reconcile(context, gone, key, (ms) => queue.markAfter(key, ms)));
  const marks = (resource: string): (() => void) =>
    store.watch(resource, ({ type, object }) => {
      const namespace = object.metadata.namespace;
      // Given objects come back when deleted; in a namespace being deleted the last one to go opens the way.
      if (type === 'DELETED' && namespace !== undefined) queue.mark(`/${namespace}`);
    });
  const unwatch = [
    store.watch<Namespace>('namespaces', ({ type, object: { metadata } }) => {
      if (type === 'DELETED') gone.add(metadata.name);
      else gone.delete(metadata.name);
      queue.mark(`/${metadata.name}`);
    }),
    ...['serviceaccounts', 'configmaps', 'pods'].map(marks),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

function reconcile(context: ControllerContext, gone: Set<string>, key: string, again: (ms: number) => void): void {
  const { store } = context;
  const { name } = splitKey(key);
  const namespace = store.get<Namespace>('namespaces', undefined, name);
  if (namespace && !namespace.metadata.deletionTimestamp) {
    furnish(context, namespace);
    return;
  }
  if (!namespace && !gone.has(name)) return;
  if (namespace) setPhase(context, name, 'Terminating');
  if (sweep(context, name) > 0) {
    again(sweepAgainMs);
    return;
  }
  gone.delete(name);
  if (namespace) finalize(context, name);
}

function furnish(context: ControllerContext, namespace: Namespace): void {
  const { store } = context;
  const name = namespace.metadata.name;
  if (namespace.metadata.labels?.[nameLabel] !== name) {
    const labels = { ...namespace.metadata.labels, [nameLabel]: name };
    store.update<Namespace>('namespaces', { ...namespace, metadata: { ...namespace.metadata, labels } });
  }
  setPhase(context, name, 'Active');
  ensure(context, 'serviceaccounts', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: name },
  });
  ensureCertificate(context, name);
}

/** The ConfigMap by which pods know the API server; put right when somebody changes it. */
function ensureCertificate(context: ControllerContext, namespace: string): void {
  const { store, caCertificate } = context;
  const data = { 'ca.crt': caCertificate };
  const name = 'kube-root-ca.crt';
  ensure(context, 'configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
  const present = store.get('configmaps', namespace, name);
  const certificate = (present?.['data'] as Readonly<Record<string, string>> | undefined)?.['ca.crt'];
  if (present && certificate !== caCertificate) store.update('configmaps', { ...present, data });
}

function ensure({ store }: ControllerContext, resource: string, object: KubernetesObject): void {
  if (store.get(resource, object.metadata.namespace, object.metadata.name)) return;
  tolerating(['AlreadyExists'], () => store.create(resource, object));
}

function setPhase({ store }: ControllerContext, name: string, phase: string): void {
  const fresh = store.get<Namespace>('namespaces', undefined, name);
  if (!fresh || fresh.status?.phase === phase) return;
  store.update('namespaces', { ...fresh, status: { ...fresh.status, phase } }, { subresource: 'status' });
}

/** Deletes everything in the namespace and returns how many objects are still there. */
function sweep({ store, resources }: ControllerContext, namespace: string): number {
  const namespaced = resources().filter((type) => type.namespaced);
  for (const { resource } of namespaced) {
    for (const { metadata } of store.list(resource, namespace)) {
      if (metadata.deletionTimestamp) continue;
      tolerating(['NotFound', 'Conflict'], () =>
        store.delete(resource, namespace, metadata.name, { propagationPolicy: 'Background' }),
      );
    }
  }
  return namespaced.reduce((left, { resource }) => left + store.list(resource, namespace).length, 0);
}

/** Takes Kubernetes' finalizer off the empty namespace, which ends it. */
function finalize({ store }: ControllerContext, name: string): void {
  const fresh = store.get<Namespace>('namespaces', undefined, name);
  if (!fresh) return;
  const inSpec = (fresh.spec?.finalizers ?? []).filter((entry) => entry !== finalizer);
  const inMetadata = (fresh.metadata.finalizers ?? []).filter((entry) => entry !== finalizer);
  tolerating(['NotFound', 'Conflict'], () =>
    store.update<Namespace>('namespaces', {
      ...fresh,
      metadata: { ...fresh.metadata, finalizers: inMetadata },
      spec: { ...fresh.spec, finalizers: inSpec },
    }),
  );
  const left = store.get<Namespace>('namespaces', undefined, name);
  if (!left || (left.metadata.finalizers ?? []).length > 0 || (left.spec?.finalizers ?? []).length > 0) return;
  tolerating(['NotFound', 'Conflict'], () => store.delete('namespaces', undefined, name));
}
