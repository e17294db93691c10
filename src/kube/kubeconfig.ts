import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import path from 'node:path';
import { fail, type Issue, ok, type Result } from '../base/index.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { inClusterAccess, tokenReader } from './in-cluster.ts';
import { pluginCredentials } from './plugin-credentials.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Entry {
  readonly fields: Fields;
  /** Where relative file names start. */
  readonly folder: string;
  readonly file: string;
  readonly path: string;
}

interface Merged {
  readonly current: string | undefined;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly files: readonly string[];
}

/**
 * The access that a kubeconfig's context gives, the current one unless another is named: of the file given, else of those in `KUBECONFIG` (the first that
 * names a thing wins), else of `~/.kube/config`, else a pod's own account.
 */
export function loadKubeConfig(
  file: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  context?: string,
): Result<ClusterAccess, Issue> {
  const listed = file ?? environment['KUBECONFIG'];
  if (listed) return loadFiles(file === undefined ? listed.split(path.delimiter).filter(Boolean) : [file], context);
  const usual = path.join(environment['HOME'] ?? homedir(), '.kube', 'config');
  if (existsSync(usual)) return loadFiles([usual], context);
  if (environment['KUBERNETES_SERVICE_HOST']) return inClusterAccess(environment);
  return fail({
    path: '',
    message: 'no cluster to talk to: no kubeconfig found',
    allowed: `KUBECONFIG set to a file, or ${usual}`,
  });
}

function loadFiles(files: readonly string[], context: string | undefined): Result<ClusterAccess, Issue> {
  const merged = mergeFiles(files);
  return merged.ok ? accessOf({ ...merged.value, current: context ?? merged.value.current }) : merged;
}

function mergeFiles(files: readonly string[]): Result<Merged, Issue> {
  let current: string | undefined;
  const kinds = {
    clusters: new Map<string, Entry>(),
    users: new Map<string, Entry>(),
    contexts: new Map<string, Entry>(),
  };
  const present = files.filter((file) => files.length === 1 || existsSync(file));
  for (const file of present) {
    const parsed = parseFile(file);
    if (!parsed.ok) return parsed;
    const named = parsed.value['current-context'];
    if (typeof named === 'string' && named !== '') current ??= named;
    for (const [list, entry] of [
      ['clusters', 'cluster'],
      ['users', 'user'],
      ['contexts', 'context'],
    ] as const) {
      for (const [index, item] of listOf(parsed.value[list]).entries()) {
        const name = item['name'];
        const fields = fieldsOf(item[entry]);
        if (typeof name !== 'string' || kinds[list].has(name)) continue;
        const where = `${list}[${index}].${entry}`;
        kinds[list].set(name, { fields: fields ?? {}, folder: path.dirname(path.resolve(file)), file, path: where });
      }
    }
  }
  return ok({ current, ...kinds, files: present });
}

function parseFile(file: string): Result<Fields, Issue> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return fail({ path: '', message: `cannot read kubeconfig ${file}: ${reasonOf(error)}` });
  }
  try {
    const fields = fieldsOf(text.trimStart().startsWith('{') ? JSON.parse(text) : parseYaml(text));
    return fields
      ? ok(fields)
      : fail({ path: '', message: `kubeconfig ${file} is not a mapping`, allowed: 'kind: Config' });
  } catch (error) {
    return fail({ path: '', message: `kubeconfig ${file}: ${reasonOf(error)}` });
  }
}

/** The YAML reader is loaded only for kubeconfigs that need it. */
function parseYaml(text: string): unknown {
  const yaml: typeof import('yaml') = createRequire(import.meta.url)('yaml');
  return yaml.parse(text);
}

function accessOf(config: Merged): Result<ClusterAccess, Issue> {
  const where = config.files.join(path.delimiter);
  const { current } = config;
  if (current === undefined) return fail({ path: 'current-context', message: `not set in ${where}` });
  const context = config.contexts.get(current);
  if (!context) return missing('current-context', current, config.contexts);
  const clusterName = textOf(context.fields, 'cluster') ?? '';
  const cluster = config.clusters.get(clusterName);
  if (!cluster) return missing(`${context.path}.cluster`, clusterName, config.clusters);
  const userName = textOf(context.fields, 'user');
  const user = userName === undefined ? undefined : config.users.get(userName);
  if (userName !== undefined && !user) return missing(`${context.path}.user`, userName, config.users);
  const server = textOf(cluster.fields, 'server') ?? '';
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    return fail({
      path: `${cluster.path}.server`,
      message: `"${server}" is not a server`,
      allowed: 'an http or https URL',
    });
  }
  const shared = {
    server: server.replace(/\/+$/, ''),
    namespace: textOf(context.fields, 'namespace') ?? 'default',
    context: current,
  };
  if (needsOfficialClient(cluster.fields, user?.fields ?? {})) {
    return ok({ ...shared, credentials: pluginCredentials(config.files, current) });
  }
  const credentials = plainCredentials(cluster, user);
  return credentials.ok ? ok({ ...shared, credentials: credentials.value }) : credentials;
}

function missing(field: string, name: string, known: ReadonlyMap<string, Entry>): Result<never, Issue> {
  return fail({
    path: field,
    message: `"${name}" is not defined`,
    allowed: [...known.keys()].join(', ') || 'none is defined',
  });
}

function needsOfficialClient(cluster: Fields, user: Fields): boolean {
  return (
    ['exec', 'auth-provider', 'as'].some((field) => user[field] !== undefined) || cluster['proxy-url'] !== undefined
  );
}

function plainCredentials(cluster: Entry, user: Entry | undefined): Result<() => Promise<Credentials>, Issue> {
  try {
    const ca = dataOf(cluster, 'certificate-authority');
    const cert = user && dataOf(user, 'client-certificate');
    const key = user && dataOf(user, 'client-key');
    const servername = textOf(cluster.fields, 'tls-server-name');
    const fixed = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(servername === undefined ? {} : { servername }),
      ...(cluster.fields['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
    };
    const authorization = user ? authorizationOf(user) : async () => undefined;
    return ok(async () => {
      const value = await authorization();
      return { ...fixed, headers: value === undefined ? {} : { Authorization: value } };
    });
  } catch (error) {
    return fail({ path: user?.path ?? cluster.path, message: reasonOf(error) });
  }
}

function authorizationOf(user: Entry): () => Promise<string | undefined> {
  const token = textOf(user.fields, 'token');
  const tokenFile = textOf(user.fields, 'tokenFile');
  if (tokenFile !== undefined) {
    const read = tokenReader(path.resolve(user.folder, tokenFile));
    return async () => `Bearer ${await read()}`;
  }
  if (token !== undefined) return async () => `Bearer ${token}`;
  const name = textOf(user.fields, 'username');
  if (name === undefined) return async () => undefined;
  const basic = Buffer.from(`${name}:${textOf(user.fields, 'password') ?? ''}`).toString('base64');
  return async () => `Basic ${basic}`;
}

/** The bytes of `<field>-data` (base64), else of the file that `<field>` names. */
function dataOf(entry: Entry, field: string): Buffer | undefined {
  const data = textOf(entry.fields, `${field}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64');
  const file = textOf(entry.fields, field);
  return file === undefined ? undefined : readFileSync(path.resolve(entry.folder, file));
}

function textOf(fields: Fields, field: string): string | undefined {
  const value = fields[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf).filter((fields) => fields !== undefined) : [];
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
