import type { KubernetesObject } from '../../store.ts';
import type { Decoded } from '../decode/json.ts';
import type { Author } from '../patch/managed-fields.ts';
import { apiVersionOf } from '../registry/definition.ts';
import { isRecord } from '../schema/shape.ts';
import { badRequest } from '../status.ts';
import { timeText } from '../store/writes.ts';
import { checkShape } from '../validation/strict.ts';
import type { ResourceRequest } from './request.ts';
import { warn } from './respond.ts';

type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

function fieldValidation(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation') ?? 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(`fieldValidation: Unsupported value: "${value}": supported values: "", "Ignore", "Strict", "Warn"`);
}

/** `dryRun=All`; anything else but absence is refused, as a dry run that is not one would be worse. */
export function isDryRun(query: URLSearchParams): boolean {
  const values = query.getAll('dryRun').filter((value) => value !== '');
  for (const value of values) {
    if (value !== 'All') throw badRequest(`dryRun: Unsupported value: "${value}": supported values: "All"`);
  }
  return values.length > 0;
}

/**
 * Makes a decoded body an object of the resource: the right kind, namespace and name, no unknown fields (refused, warned of or dropped,
 * as `fieldValidation` says), values of the right types. Throws 400.
 */
export function acceptObject(call: ResourceRequest, { value, duplicates }: Decoded): KubernetesObject {
  const { definition, served } = call.resource;
  const apiVersion = apiVersionOf(definition.group, served.version);
  if (!isRecord(value)) throw badRequest('the object provided is unrecognized: the body must be one object');
  value['apiVersion'] ??= apiVersion;
  value['kind'] ??= definition.kind;
  if (value['kind'] !== definition.kind || value['apiVersion'] !== apiVersion) {
    throw badRequest(
      `the object provided is a ${String(value['apiVersion'])} ${String(value['kind'])}, and this path takes ${apiVersion} ${definition.kind}`,
    );
  }
  value['metadata'] ??= {};
  checkFields(call, value, duplicates);
  const object = value as KubernetesObject;
  object.metadata.name ??= '';
  dropNullMetadata(object);
  placeInNamespace(call, object);
  return object;
}

function checkFields(call: ResourceRequest, value: Record<string, unknown>, duplicates: readonly string[]): void {
  const { definition, served } = call.resource;
  const mode = fieldValidation(call.query);
  const { unknown, mismatches } = checkShape(served.shape, value, true);
  const prefix = `${definition.kind} in version "${served.version}" cannot be handled as a ${definition.kind}: `;
  // The schema words the type faults of custom resources; only their metadata is read here.
  const faults = definition.custom ? mismatches.filter(({ path }) => path.startsWith('metadata')) : mismatches;
  if (faults.length > 0) throw badRequest(prefix + faults.map(({ path, message }) => `${path}: ${message}`).join(', '));
  const problems = [
    ...duplicates.map((path) => `duplicate field "${path}"`),
    ...unknown.map(({ path }) => `unknown field "${path}"`),
  ];
  if (problems.length === 0 || mode === 'Ignore') return;
  if (mode === 'Strict')
    throw badRequest(`${definition.custom ? '' : prefix}strict decoding error: ${problems.slice(0, 20).join(', ')}`);
  for (const problem of problems) warn(call.response, problem);
}

function dropNullMetadata(object: KubernetesObject): void {
  for (const [name, value] of Object.entries(object.metadata)) {
    if (value === null) Reflect.deleteProperty(object.metadata, name);
  }
}

function placeInNamespace({ resource, namespace, name }: ResourceRequest, object: KubernetesObject): void {
  const { metadata } = object;
  if (resource.definition.namespaced) {
    if (namespace === undefined) throw badRequest('an object of this kind needs a namespace in the path');
    metadata.namespace ||= namespace;
    if (metadata.namespace !== namespace)
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request (${metadata.namespace} and ${namespace})`,
      );
  }
  if (name === undefined) return;
  metadata.name ||= name;
  if (metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
}

/** Who writes, for field ownership: the `fieldManager` of the query, or the program's name. */
export function authorOf({ context, resource, request, query, subresource }: ResourceRequest): Author {
  const agent = (request.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
  const manager = query.get('fieldManager') || agent;
  if (manager.length > 128) throw badRequest('fieldManager: Too long: may not be more than 128 bytes');
  return {
    manager,
    apiVersion: apiVersionOf(resource.definition.group, resource.served.version),
    time: timeText(context.store.now()),
    subresource: subresource ?? '',
  };
}
