import { printerColumns } from '../printers/index.ts';
import { builtinRootShape } from '../schema/builtin.ts';
import { type ResourceDefinition, resourceKey } from './definition.ts';

interface Row {
  readonly api: string;
  readonly plural: string;
  readonly kind: string;
  readonly cluster?: true;
  readonly singular?: string;
  readonly short?: string;
  readonly all?: true;
  readonly categories?: readonly string[];
  readonly status?: true;
  readonly scale?: true;
  readonly sub?: string;
  readonly ephemeral?: true;
  readonly storedAs?: string;
}

const ROWS: readonly Row[] = [
  {
    api: 'core/v1',
    plural: 'pods',
    kind: 'Pod',
    short: 'po',
    all: true,
    status: true,
    sub: 'log exec attach portforward binding ephemeralcontainers eviction',
  },
  { api: 'core/v1', plural: 'services', kind: 'Service', short: 'svc', all: true, status: true },
  { api: 'core/v1', plural: 'configmaps', kind: 'ConfigMap', short: 'cm' },
  { api: 'core/v1', plural: 'secrets', kind: 'Secret' },
  { api: 'core/v1', plural: 'serviceaccounts', kind: 'ServiceAccount', short: 'sa' },
  {
    api: 'core/v1',
    plural: 'namespaces',
    kind: 'Namespace',
    short: 'ns',
    cluster: true,
    status: true,
    sub: 'finalize',
  },
  { api: 'core/v1', plural: 'nodes', kind: 'Node', short: 'no', cluster: true, status: true, sub: 'proxy' },
  { api: 'core/v1', plural: 'events', kind: 'Event', short: 'ev' },
  { api: 'core/v1', plural: 'endpoints', kind: 'Endpoints', singular: 'endpoints', short: 'ep' },
  {
    api: 'apps/v1',
    plural: 'deployments',
    kind: 'Deployment',
    short: 'deploy',
    all: true,
    status: true,
    scale: true,
  },
  {
    api: 'apps/v1',
    plural: 'replicasets',
    kind: 'ReplicaSet',
    short: 'rs',
    all: true,
    status: true,
    scale: true,
  },
  { api: 'apps/v1', plural: 'daemonsets', kind: 'DaemonSet', short: 'ds', all: true, status: true },
  { api: 'discovery.k8s.io/v1', plural: 'endpointslices', kind: 'EndpointSlice' },
  { api: 'networking.k8s.io/v1', plural: 'networkpolicies', kind: 'NetworkPolicy', short: 'netpol' },
  { api: 'networking.k8s.io/v1', plural: 'ingresses', kind: 'Ingress', short: 'ing', status: true },
  { api: 'networking.k8s.io/v1', plural: 'ingressclasses', kind: 'IngressClass', cluster: true },
  { api: 'coordination.k8s.io/v1', plural: 'leases', kind: 'Lease' },
  { api: 'events.k8s.io/v1', plural: 'events', kind: 'Event', short: 'ev', storedAs: 'events' },
  {
    api: 'apiextensions.k8s.io/v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    short: 'crd crds',
    categories: ['api-extensions'],
    cluster: true,
    status: true,
  },
  {
    api: 'authorization.k8s.io/v1',
    plural: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    cluster: true,
    ephemeral: true,
  },
  {
    api: 'authorization.k8s.io/v1',
    plural: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    cluster: true,
    ephemeral: true,
  },
  {
    api: 'authentication.k8s.io/v1',
    plural: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    cluster: true,
    ephemeral: true,
  },
];

/** Every resource the server has without a CustomResourceDefinition. */
export function builtinResources(): readonly ResourceDefinition[] {
  return ROWS.map(define);
}

function define(row: Row): ResourceDefinition {
  const [apiGroup = '', version = ''] = row.api.split('/');
  const group = apiGroup === 'core' ? '' : apiGroup;
  const key = resourceKey(group, row.plural);
  const typeName = `${apiGroup.split('.')[0]}.${version}.${row.kind}`;
  return {
    key,
    group,
    plural: row.plural,
    singular: row.singular ?? row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.cluster !== true,
    shortNames: row.short?.split(' ') ?? [],
    categories: row.categories ?? (row.all ? ['all'] : []),
    subresources: row.sub?.split(' ') ?? [],
    storageVersion: version,
    versions: [
      {
        version,
        shape: builtinRootShape(typeName),
        columns: printerColumns(key),
        hasStatus: row.status === true,
        hasScale: row.scale === true,
        selectableFields: [],
      },
    ],
    custom: false,
    ephemeral: row.ephemeral === true,
    ...(row.storedAs === undefined ? {} : { storedAs: row.storedAs }),
  };
}
