/**
 * Writes `fields.txt` and `docs.txt` from Kubernetes' own `generated.proto` files.
 * Usage: node generate.ts DIR, where DIR holds `k8s.io/{api,apimachinery,apiextensions-apiserver}/…/generated.proto`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOTS = [
  'core.v1.Pod core.v1.Service core.v1.ConfigMap core.v1.Secret core.v1.ServiceAccount core.v1.Namespace core.v1.Node',
  'core.v1.Event core.v1.Endpoints core.v1.Binding events.v1.Event discovery.v1.EndpointSlice coordination.v1.Lease',
  'apps.v1.Deployment apps.v1.ReplicaSet apps.v1.DaemonSet networking.v1.NetworkPolicy networking.v1.Ingress',
  'networking.v1.IngressClass authorization.v1.SelfSubjectAccessReview authorization.v1.SelfSubjectRulesReview',
  'authentication.v1.SelfSubjectReview autoscaling.v1.Scale meta.v1.DeleteOptions policy.v1.Eviction',
  'apiextensions.v1.CustomResourceDefinition',
].flatMap((line) => line.split(' '));

const SCALARS: Readonly<Record<string, string>> = {
  'meta.v1.Time': 'time',
  'meta.v1.MicroTime': 'microtime',
  'meta.v1.Duration': 'duration',
  'meta.v1.FieldsV1': 'rawjson',
  'runtime.RawExtension': 'rawjson',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intorstring',
  'apiextensions.v1.JSONSchemaProps': 'any',
  'apiextensions.v1.JSON': 'any',
};
/** Fields whose Go type is embedded: their own fields stand in the parent's JSON. */
const INLINE = new Set(
  'volumeSource handler localObjectReference ephemeralContainerCommon persistentVolumeSource ingressRuleValue'.split(
    ' ',
  ),
);

interface Field {
  readonly name: string;
  readonly number: string;
  readonly type: string;
  readonly flags: readonly string[];
  readonly doc: string;
}
interface Message {
  readonly doc: string;
  readonly atomic: boolean;
  readonly fields: readonly Field[];
}

const messages = new Map<string, Message>();

function packageName(full: string): string {
  return full
    .replace('k8s.io.apiextensions_apiserver.pkg.apis.', '')
    .replace('k8s.io.apimachinery.pkg.apis.', '')
    .replace('k8s.io.apimachinery.pkg.util.', '')
    .replace('k8s.io.apimachinery.pkg.api.', '')
    .replace('k8s.io.apimachinery.pkg.', '')
    .replace('k8s.io.api.', '');
}

function typeName(text: string, current: string): string {
  if (/^(string|bool|bytes|int32|int64|double|uint32)$/.test(text)) return text;
  const full = text.startsWith('.') ? packageName(text.slice(1)) : `${current}.${text}`;
  return SCALARS[full] ?? full;
}

function firstParagraph(comments: readonly string[]): string {
  const lines: string[] = [];
  for (const line of comments) {
    if (line.startsWith('+')) continue;
    if (line === '' || line.startsWith('---')) {
      if (lines.length > 0) break;
      continue;
    }
    lines.push(line);
  }
  return lines.join(' ').slice(0, 600);
}

function flagsOf(comments: readonly string[], name: string): string[] {
  const flags: string[] = [];
  const value = (marker: string) =>
    comments.filter((line) => line.startsWith(`+${marker}=`)).map((line) => line.slice(marker.length + 2));
  if (comments.includes('+optional')) flags.push('?');
  if (INLINE.has(name)) flags.push('inline');
  for (const key of value('patchMergeKey')) flags.push(`key=${key}`);
  for (const strategy of value('patchStrategy')) flags.push(`strategy=${strategy}`);
  for (const type of value('listType')) flags.push(`list=${type}`);
  const keys = value('listMapKey');
  if (keys.length > 0) flags.push(`keys=${keys.join(',')}`);
  if (comments.includes('+structType=atomic') || comments.includes('+mapType=atomic')) flags.push('atomic');
  return flags;
}

function parseField(line: string, comments: readonly string[], current: string): Field | undefined {
  const map = /^map<string, ([\w.]+)> (\w+) = (\d+);/.exec(line);
  const plain = /^(optional|repeated) ([\w.]+) (\w+) = (\d+);/.exec(line);
  const name = map?.[2] ?? plain?.[3];
  const number = map?.[3] ?? plain?.[4];
  if (name === undefined || number === undefined) return undefined;
  const base = typeName(map?.[1] ?? plain?.[2] ?? '', current);
  const prefix = map ? '{}' : plain?.[1] === 'repeated' ? '[]' : '';
  return { name, number, type: prefix + base, flags: flagsOf(comments, name), doc: firstParagraph(comments) };
}

function readProto(file: string): void {
  const text = readFileSync(file, 'utf8');
  const current = packageName(/^package ([\w.]+);/m.exec(text)?.[1] ?? '');
  let comments: string[] = [];
  let open: { name: string; doc: string; atomic: boolean; fields: Field[] } | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const message = /^message (\w+) \{/.exec(line);
    if (line.startsWith('//')) comments.push(line.slice(2).trim());
    else if (message?.[1]) {
      const atomic = comments.includes('+structType=atomic');
      open = { name: `${current}.${message[1]}`, doc: firstParagraph(comments), atomic, fields: [] };
      comments = [];
    } else if (line === '}' && open) {
      messages.set(open.name, open);
      open = undefined;
    } else {
      const field = open && parseField(line, comments, current);
      if (field) open?.fields.push(field);
      comments = [];
    }
  }
}

function reachable(): string[] {
  const seen = new Set<string>();
  const queue = [...ROOTS];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const message = messages.get(name);
    if (!message || seen.has(name)) continue;
    seen.add(name);
    for (const field of message.fields) queue.push(field.type.replace(/^(\[\]|\{\})/, ''));
  }
  return [...seen].sort();
}

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: node generate.ts DIR');
for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
  if (entry.endsWith('generated.proto')) readProto(path.join(directory, entry));
}
const fields: string[] = [];
const docs: string[] = [];
for (const name of reachable()) {
  const message = messages.get(name);
  if (!message) continue;
  fields.push(message.atomic ? `:${name} atomic` : `:${name}`);
  if (message.doc) docs.push(`${name}\t${message.doc}`);
  for (const field of message.fields) {
    fields.push([field.name, field.number, field.type, ...field.flags].join(' '));
    if (field.doc) docs.push(`${name}.${field.name}\t${field.doc}`);
  }
}
writeFileSync(path.join(import.meta.dirname, 'fields.txt'), `${fields.join('\n')}\n`);
writeFileSync(path.join(import.meta.dirname, 'docs.txt'), `${docs.join('\n')}\n`);
