import { createHash } from 'node:crypto';
import type { ResourceDefinition, ServedVersion } from '../registry/definition.ts';
import type { Registry } from '../registry/registry.ts';
import { documentation } from './documentation.ts';
import type { ObjectShape, ScalarKind, Shape } from './shape.ts';

const OPTIONS = ['fieldValidation', 'dryRun', 'fieldManager'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

function pathOf(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

const hashes = new WeakMap<Registry, { readonly generation: number; readonly hash: string }>();

/** Names the present set of kinds; it changes with every change of the custom ones. */
export function openApiHash(registry: Registry): string {
  const known = hashes.get(registry);
  if (known?.generation === registry.generation) return known.hash;
  const hash = createHash('sha256')
    .update(
      registry
        .resources()
        .map(({ key, versions }) => key + versions.map((one) => JSON.stringify(one.schema ?? one.version)).join())
        .join(),
    )
    .digest('hex')
    .slice(0, 32)
    .toUpperCase();
  hashes.set(registry, { generation: registry.generation, hash });
  return hash;
}

/** The index of OpenAPI v3 documents. */
export function openApiIndex(registry: Registry): unknown {
  const hash = openApiHash(registry);
  const paths: Record<string, unknown> = {};
  for (const resource of registry.resources()) {
    for (const { version } of resource.versions) {
      const path = pathOf(resource.group, version);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
    }
  }
  return { paths };
}

/** The OpenAPI v3 document of one group version: what `kubectl apply`, `diff` and `explain` read. Undefined when it is not served. */
export function openApiDocument(registry: Registry, group: string, version: string): unknown {
  const paths: Record<string, unknown> = {};
  const schemas: Record<string, unknown> = {};
  for (const resource of registry.resources()) {
    const served = resource.versions.find((candidate) => candidate.version === version);
    if (resource.group !== group || !served) continue;
    addPaths(paths, resource, served);
    if (resource.custom) schemas[schemaName(resource, version)] = customSchema(resource, served);
    else addShape(schemas, served.shape, gvkOf(resource, version));
  }
  if (Object.keys(paths).length === 0) return undefined;
  return { openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1' }, paths, components: { schemas } };
}

function gvkOf(resource: ResourceDefinition, version: string) {
  return { group: resource.group, version, kind: resource.kind };
}

function schemaName(resource: ResourceDefinition, version: string): string {
  return resource.custom
    ? [...resource.group.split('.').reverse(), version, resource.kind].join('.')
    : (resource.versions[0]?.shape.name ?? resource.kind);
}

function addPaths(paths: Record<string, unknown>, resource: ResourceDefinition, served: ServedVersion): void {
  const gvk = gvkOf(resource, served.version);
  const namespace = resource.namespaced ? '/namespaces/{namespace}' : '';
  const base = `/${pathOf(resource.group, served.version)}${namespace}/${resource.plural}`;
  const content = { 'application/json': { schema: { $ref: reference(schemaName(resource, served.version)) } } };
  const operation = (action: string) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
    parameters: OPTIONS,
    responses: { 200: { description: 'OK', content } },
  });
  paths[base] = { post: operation('post'), get: operation('list') };
  if (!resource.ephemeral)
    paths[`${base}/{name}`] = { get: operation('get'), put: operation('put'), patch: operation('patch') };
}

function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

function customSchema(resource: ResourceDefinition, served: ServedVersion): unknown {
  const properties = served.schema?.['properties'];
  const text = { type: 'string' };
  return {
    type: 'object',
    ...(served.schema ?? { 'x-kubernetes-preserve-unknown-fields': true }),
    properties: {
      apiVersion: text,
      kind: text,
      metadata: { type: 'object', description: documentation('core.v1.Pod.metadata') },
      ...(typeof properties === 'object' ? properties : {}),
    },
    'x-kubernetes-group-version-kind': [gvkOf(resource, served.version)],
  };
}

function addShape(schemas: Record<string, unknown>, shape: ObjectShape, gvk?: unknown): void {
  if (schemas[shape.name] !== undefined) return;
  const properties: Record<string, unknown> = {};
  const required: string[] = [];
  schemas[shape.name] = {
    type: 'object',
    description: documentation(shape.name),
    properties,
    ...(gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': [gvk] }),
    required,
  };
  for (const [name, field] of shape.fields) {
    const description = documentation(`${shape.name}.${name}`);
    properties[name] = {
      ...shapeSchema(schemas, field.shape, description),
      ...(field.mergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.mergeKey }),
      ...(field.strategy === undefined ? {} : { 'x-kubernetes-patch-strategy': field.strategy }),
    };
    if (!field.optional && isRequired(description)) required.push(name);
  }
}

/** The table cannot tell a required field from an output one; what Kubernetes' text calls required is marked. */
function isRequired(description: string): boolean {
  return /\bRequired\b|required\./.test(description);
}

const SCALARS: Readonly<Record<ScalarKind, Record<string, unknown>>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  bytes: { type: 'string', format: 'byte' },
  time: { type: 'string', format: 'date-time' },
  microtime: { type: 'string', format: 'date-time' },
  duration: { type: 'string' },
  quantity: { type: 'string' },
  intorstring: { type: 'string', format: 'int-or-string' },
  rawjson: { type: 'object' },
  any: { 'x-kubernetes-preserve-unknown-fields': true, type: 'object' },
};

function shapeSchema(schemas: Record<string, unknown>, shape: Shape, description: string): Record<string, unknown> {
  switch (shape.kind) {
    case 'scalar':
      return { ...SCALARS[shape.scalar], description };
    case 'object':
      addShape(schemas, shape);
      return { description, allOf: [{ $ref: reference(shape.name) }] };
    case 'list':
      return { type: 'array', description, items: shapeSchema(schemas, shape.items, '') };
    case 'map':
      return { type: 'object', description, additionalProperties: shapeSchema(schemas, shape.values, '') };
  }
}

/** A `swagger 2.0` document without kinds, in protobuf: old clients insist on one and then skip their own validation. */
export const EMPTY_OPENAPI_V2 = Buffer.from('0a03322e30120d0a0763696c6961746512027631', 'hex');
