import { cidrGroupSchema, endpointSchema, envoyConfigSchema, identitySchema, nodeSchema } from './other-schemas.ts';
import { policySchema } from './policy-schema.ts';
import type { Schema } from './schema.ts';

/** An `apiextensions.k8s.io/v1` CustomResourceDefinition as an API server takes it. */
export interface CustomResourceDefinition {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: 'cilium.io';
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: {
      readonly plural: string;
      readonly singular: string;
      readonly kind: string;
      readonly listKind: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly ResourceVersion[];
  };
}

export interface ResourceVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: Schema };
  readonly subresources?: { readonly status: Readonly<Record<string, never>> };
  readonly additionalPrinterColumns: readonly PrinterColumn[];
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly priority?: number;
  readonly description?: string;
}

/**
 * Annotation that gives a version another scope than `spec.scope`: `ciliate.dev/scope.<version>: Cluster|Namespaced`.
 * Objects of such a version are a collection of their own. A real API server does not know it and serves the one scope.
 */
export const scopeAnnotationPrefix = 'ciliate.dev/scope.';

const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const policyColumns: readonly PrinterColumn[] = [
  age,
  { name: 'Valid', type: 'string', jsonPath: ".status.conditions[?(@.type=='Valid')].status" },
];

const endpointColumns: readonly PrinterColumn[] = [
  {
    name: 'Security Identity',
    type: 'integer',
    jsonPath: '.status.identity.id',
    description: 'Security identity of the endpoint',
  },
  { name: 'Ingress Enforcement', type: 'string', jsonPath: '.status.policy.ingress.state', priority: 1 },
  { name: 'Egress Enforcement', type: 'string', jsonPath: '.status.policy.egress.state', priority: 1 },
  { name: 'Endpoint State', type: 'string', jsonPath: '.status.state' },
  { name: 'IPv4', type: 'string', jsonPath: '.status.networking.addressing[0].ipv4' },
  { name: 'IPv6', type: 'string', jsonPath: '.status.networking.addressing[0].ipv6' },
];

const nodeColumns: readonly PrinterColumn[] = [
  { name: 'CiliumInternalIP', type: 'string', jsonPath: ".spec.addresses[?(@.type=='CiliumInternalIP')].ip" },
  { name: 'InternalIP', type: 'string', jsonPath: ".spec.addresses[?(@.type=='InternalIP')].ip" },
  age,
];

interface Description {
  readonly kind: string;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly shortNames: readonly string[];
  readonly categories?: readonly string[];
  readonly schema: Schema;
  readonly columns: readonly PrinterColumn[];
  /** Served versions, the stored one first. */
  readonly versions?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hasStatus: boolean;
}

const descriptions: readonly Description[] = [
  {
    kind: 'CiliumNetworkPolicy',
    scope: 'Namespaced',
    shortNames: ['cnp', 'ciliumnp'],
    categories: ['cilium', 'ciliumpolicy'],
    schema: policySchema,
    columns: policyColumns,
    hasStatus: true,
  },
  {
    kind: 'CiliumClusterwideNetworkPolicy',
    scope: 'Cluster',
    shortNames: ['ccnp'],
    categories: ['cilium', 'ciliumpolicy'],
    schema: policySchema,
    columns: policyColumns,
    hasStatus: true,
  },
  {
    kind: 'CiliumEnvoyConfig',
    scope: 'Namespaced',
    shortNames: ['cec'],
    schema: envoyConfigSchema,
    columns: [age],
    versions: ['v2', 'v2alpha1'],
    annotations: { [`${scopeAnnotationPrefix}v2alpha1`]: 'Cluster' },
    hasStatus: true,
  },
  {
    kind: 'CiliumClusterwideEnvoyConfig',
    scope: 'Cluster',
    shortNames: ['ccec'],
    schema: envoyConfigSchema,
    columns: [age],
    hasStatus: true,
  },
  {
    kind: 'CiliumEndpoint',
    scope: 'Namespaced',
    shortNames: ['cep', 'ciliumep'],
    schema: endpointSchema,
    columns: endpointColumns,
    hasStatus: false,
  },
  {
    kind: 'CiliumIdentity',
    scope: 'Cluster',
    shortNames: ['ciliumid'],
    schema: identitySchema,
    columns: [
      { name: 'Namespace', type: 'string', jsonPath: '.metadata.labels.io\\.kubernetes\\.pod\\.namespace' },
      age,
    ],
    hasStatus: false,
  },
  {
    kind: 'CiliumNode',
    scope: 'Cluster',
    shortNames: ['cn', 'ciliumn'],
    schema: nodeSchema,
    columns: nodeColumns,
    hasStatus: true,
  },
  {
    kind: 'CiliumCIDRGroup',
    scope: 'Cluster',
    shortNames: ['ccg'],
    schema: cidrGroupSchema,
    columns: [age],
    versions: ['v2', 'v2alpha1'],
    hasStatus: false,
  },
];

/** The resources of group `cilium.io` that an API server has to serve. */
export const ciliumResourceDefinitions: readonly CustomResourceDefinition[] = descriptions.map(definition);

function definition(from: Description): CustomResourceDefinition {
  const singular = from.kind.toLowerCase();
  const plural = singular.endsWith('y') ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.cilium.io`, ...(from.annotations ? { annotations: from.annotations } : {}) },
    spec: {
      group: 'cilium.io',
      scope: from.scope,
      names: {
        plural,
        singular,
        kind: from.kind,
        listKind: `${from.kind}List`,
        shortNames: from.shortNames,
        categories: from.categories ?? ['cilium'],
      },
      versions: (from.versions ?? ['v2']).map((name, position) => ({
        name,
        served: true,
        storage: position === 0,
        schema: { openAPIV3Schema: from.schema },
        ...(from.hasStatus ? { subresources: { status: {} } } : {}),
        additionalPrinterColumns: from.columns,
      })),
    },
  };
}
