import { parseArgs } from 'node:util';
import { formatIssue, type Issue } from '../../base/index.ts';
import { createRegistry, type ObjectValidator, type Registry, validateObject } from '../../cluster/apiserver/index.ts';
import { ciliumResourceDefinitions, validateCiliumObject } from '../../model/cilium/index.ts';
import { conflictsOfManifests, conflictText, type ManifestConflict } from '../../plan/index.ts';
import type { CommandIo } from '../io.ts';
import { type Manifest, parseManifests, readSources, type Source } from '../manifests.ts';

const usage = `Usage: ciliate validate -f FILE|DIR|- [-f ...] [-o json]

Checks manifests as the API server would, without a cluster. A folder stands for every .yaml, .yml and .json in it and below it.

  -f, --filename   file, folder, or - for standard input
  -o, --output     json: an array of faults instead of lines

Exit code: 0 without faults, 1 with faults, 2 when the command line or a file cannot be read.
`;

/** A fault with the object that has it, as `-o json` prints it. */
interface Fault extends Issue {
  readonly object?: string;
}

/** `ciliate validate`. */
export async function validateCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const options = readOptions(argv);
  if (typeof options === 'string') {
    io.stderr.write(`ciliate validate: ${options}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    io.stdout.write(usage);
    return 0;
  }
  const sources: Source[] = [];
  try {
    for (const target of options.targets) sources.push(...(await readSources(target, io.stdin)));
  } catch (error) {
    io.stderr.write(`ciliate validate: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
  const { faults, objects } = validateSources(sources);
  if (options.json) io.stdout.write(`${JSON.stringify(faults, null, 2)}\n`);
  else for (const fault of faults) io.stdout.write(`${formatIssue(fault)}\n`);
  if (objects === 0 && faults.length === 0) io.stderr.write('ciliate validate: no object in what was given\n');
  return faults.length > 0 ? 1 : 0;
}

interface Options {
  readonly targets: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
}

/** The options, or what is wrong with the command line. */
function readOptions(argv: readonly string[]): Options | string {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        filename: { type: 'string', short: 'f', multiple: true },
        output: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const targets = values.filename ?? [];
    if (values.help) return { targets, json: false, help: true };
    if (targets.length === 0) return '-f is missing';
    if (values.output !== undefined && values.output !== 'json')
      return `unknown output "${values.output}"; allowed: json`;
    return { targets, json: values.output === 'json', help: false };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const semantics: ObjectValidator = (_resource, object) => validateCiliumObject(object);

/** Every fault of the sources, in their order. CustomResourceDefinitions among them make their kinds known to the others. */
export function validateSources(sources: readonly Source[]): {
  readonly faults: readonly Fault[];
  readonly objects: number;
} {
  const parsed = sources.map(parseManifests);
  const registry = createRegistry(ciliumResourceDefinitions);
  for (const { object } of parsed.flatMap(({ manifests }) => manifests)) {
    if (isDefinition(object) && validateObject(object, registry).length === 0) registry.addCustom(object);
  }
  const valid: Manifest[] = [];
  const faults = parsed.flatMap(({ manifests, issues }) => [
    ...issues,
    ...manifests.flatMap((manifest) => {
      const own = faultsOf(manifest, registry);
      if (own.length === 0) valid.push(manifest);
      return own;
    }),
  ]);
  const objects = parsed.reduce((sum, { manifests }) => sum + manifests.length, 0);
  return { faults: [...faults, ...conflictFaults(valid)], objects };
}

/** Rules that meet others which they cannot be merged with, at the place of each. */
function conflictFaults(manifests: readonly Manifest[]): readonly Fault[] {
  const places = new Map(manifests.map(({ object, locate }) => [placeOf(object), locate]));
  const conflicts = conflictsOfManifests(
    manifests.map(({ object }) => object),
    defaultNamespace,
  );
  return conflicts.flatMap((conflict) => {
    const [one, other] = conflict.rules;
    return [conflictFault(one, other, conflict, places), conflictFault(other, one, conflict, places)];
  });
}

type Rule = ManifestConflict['rules'][0];

function conflictFault(
  own: Rule,
  other: Rule,
  conflict: ManifestConflict,
  places: ReadonlyMap<string, Manifest['locate']>,
): Fault {
  const positionOf = (rule: Rule) => places.get(`${rule.kind}/${rule.namespace ?? ''}/${rule.name}`)?.(rule.path);
  const [position, elsewhere] = [positionOf(own), positionOf(other)];
  const line = elsewhere ? ` (${elsewhere.file}:${elsewhere.line})` : '';
  return {
    path: own.path,
    message: `${conflictText(conflict, other)}${line}, ${conflict.whom}: neither allows anything`,
    object: nameOf({ kind: own.kind, metadata: { namespace: own.namespace, name: own.name } }),
    ...(position && { position }),
  };
}

const defaultNamespace = 'default';

/** `Kind/namespace/name`, the namespace empty where the kind has none. */
function placeOf(object: unknown): string {
  const { kind, metadata } = object as { readonly kind: string; readonly metadata?: Readonly<Record<string, string>> };
  const namespace = kind.startsWith('CiliumClusterwide') ? '' : (metadata?.['namespace'] ?? defaultNamespace);
  return `${kind}/${namespace}/${metadata?.['name'] ?? ''}`;
}

function faultsOf({ object, locate }: Manifest, registry: Registry): readonly Fault[] {
  return validateObject(object, registry, semantics).map((issue) => ({
    ...issue,
    object: nameOf(object),
    position: locate(issue.path),
  }));
}

type Definition = Parameters<Registry['addCustom']>[0];

function isDefinition(object: unknown): object is Definition {
  return isRecord(object) && object['kind'] === 'CustomResourceDefinition' && isRecord(object['spec']);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `CiliumNetworkPolicy kube-system/allow-dns`, as far as it is known. */
function nameOf(object: unknown): string {
  if (!isRecord(object)) return '';
  const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
  const name = [metadata['namespace'], metadata['name']].filter((part) => typeof part === 'string').join('/');
  return [object['kind'], name].filter((part) => typeof part === 'string' && part !== '').join(' ');
}
