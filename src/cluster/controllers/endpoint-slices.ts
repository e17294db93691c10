import { type Labels, selectorMatches } from '../../base/index.ts';
import type { Controller, ControllerContext } from './context.ts';
import { type EndpointGroup, endpointGroups, endpointSubsets } from './endpoints.ts';
import { canonicalJson, sameJson } from './hash.ts';
import { keyOf, splitKey } from './keys.ts';
import type { EndpointSlice, Endpoints, Pod, Service } from './kinds.ts';
import { controllerReference } from './owners.ts';
import { createGenerated } from './pods.ts';
import { tolerating } from './status-error.ts';

const resource = 'endpointslices.discovery.k8s.io';
const serviceLabel = 'kubernetes.io/service-name';
const managerLabel = 'endpointslice.kubernetes.io/managed-by';
const manager = 'endpointslice-controller.k8s.io';
const headlessLabel = 'service.kubernetes.io/headless';

/** Keeps EndpointSlices and Endpoints of every Service that has a selector. */
export const endpointSliceController: Controller = (context) => {
  const { store, loop } = context;
  const queue = loop.queue('endpointslice', (key) => reconcile(context, key));
  const knownLabels = new Map<string, Labels>();
  const unwatch = [
    store.watch<Service>('services', ({ object }) => queue.mark(keyOf(object))),
    store.watch<Pod>('pods', ({ type, object: pod }) => {
      const key = keyOf(pod);
      const labels = pod.metadata.labels ?? {};
      const before = knownLabels.get(key) ?? labels;
      if (type === 'DELETED') knownLabels.delete(key);
      else knownLabels.set(key, labels);
      for (const service of store.list<Service>('services', pod.metadata.namespace)) {
        const selector = { matchLabels: service.spec.selector ?? {} };
        if (selectorMatches(selector, labels) || selectorMatches(selector, before)) queue.mark(keyOf(service));
      }
    }),
    store.watch<EndpointSlice>(resource, ({ type, object: slice }) => {
      const service = slice.metadata.labels?.[serviceLabel];
      if (type !== 'ADDED' && service && isOurs(slice)) queue.mark(`${slice.metadata.namespace ?? ''}/${service}`);
    }),
  ];
  return () => {
    for (const end of unwatch) end();
  };
};

function isOurs(slice: EndpointSlice): boolean {
  return slice.metadata.labels?.[managerLabel] === manager;
}

function reconcile(context: ControllerContext, key: string): void {
  const { store } = context;
  const { namespace, name } = splitKey(key);
  const service = store.get<Service>('services', namespace, name);
  const present = store
    .list<EndpointSlice>(resource, namespace)
    .filter((slice) => slice.metadata.labels?.[serviceLabel] === name && isOurs(slice));
  if (!service || !hasSelector(service)) {
    for (const slice of present) removeSlice(context, slice);
    return;
  }
  if (service.metadata.deletionTimestamp) return;
  const selector = { matchLabels: service.spec.selector ?? {} };
  const pods = store
    .list<Pod>('pods', namespace)
    .filter(({ metadata }) => selectorMatches(selector, metadata.labels ?? {}));
  const groups = endpointGroups(service, pods);
  writeSlices(context, service, groups, present);
  writeEndpoints(context, service, groups);
}

function hasSelector({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

/** Fits the wanted groups to the slices that are there, so that a slice keeps its name while its ports stay the same. */
function writeSlices(
  context: ControllerContext,
  service: Service,
  groups: readonly EndpointGroup[],
  present: readonly EndpointSlice[],
): void {
  const free = [...present];
  for (const group of groups) {
    const same = free.findIndex(
      (slice) =>
        slice.addressType === group.addressType && canonicalJson(slice.ports ?? []) === canonicalJson(group.ports),
    );
    const match = same >= 0 ? same : free.findIndex(({ addressType }) => addressType === group.addressType);
    const [slice] = match >= 0 ? free.splice(match, 1) : [];
    writeSlice(context, service, group, slice);
  }
  for (const slice of free) removeSlice(context, slice);
}

function writeSlice(
  context: ControllerContext,
  service: Service,
  { addressType, endpoints, ports }: EndpointGroup,
  before: EndpointSlice | undefined,
): void {
  const labels = {
    ...service.metadata.labels,
    [serviceLabel]: service.metadata.name,
    [managerLabel]: manager,
    ...(service.spec.clusterIP === 'None' ? { [headlessLabel]: '' } : {}),
  };
  const content = { endpoints: [...endpoints], ports: [...ports] };
  if (before) {
    const present = { endpoints: before.endpoints ?? [], ports: before.ports ?? [] };
    if (sameJson(present, content) && sameJson(before.metadata.labels, labels)) return;
    context.store.update<EndpointSlice>(resource, { ...before, ...content, metadata: { ...before.metadata, labels } });
    return;
  }
  createGenerated<EndpointSlice>(context, resource, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: '',
      generateName: `${service.metadata.name}-`,
      ...(service.metadata.namespace === undefined ? {} : { namespace: service.metadata.namespace }),
      labels,
      ownerReferences: [controllerReference(service)],
    },
    addressType,
    ...content,
  });
}

function removeSlice({ store }: ControllerContext, { metadata }: EndpointSlice): void {
  tolerating(['NotFound'], () => store.delete(resource, metadata.namespace, metadata.name));
}

function writeEndpoints(
  { store, resources }: ControllerContext,
  service: Service,
  groups: readonly EndpointGroup[],
): void {
  if (!resources().some(({ resource: served }) => served === 'endpoints')) return;
  const { name, namespace } = service.metadata;
  const subsets = endpointSubsets(groups);
  const before = store.get<Endpoints>('endpoints', namespace, name);
  if (!before) {
    const metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...service.metadata.labels },
      ownerReferences: [controllerReference(service)],
    };
    store.create<Endpoints>('endpoints', { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets });
    return;
  }
  if (!sameJson(before.subsets ?? [], subsets)) store.update<Endpoints>('endpoints', { ...before, subsets });
}
