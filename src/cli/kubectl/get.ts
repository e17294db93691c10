import { type Query, urlPath, watchEvents } from '../../kube/index.ts';
import { Failure, need } from './failure.ts';
import { renderJsonPath } from './jsonpath.ts';
import { discover, displayName, type Kind, pathOf } from './kinds.ts';
import { isFields } from './manifests.ts';
import type { Session } from './session.ts';
import { alignedLines, type Table, type TableView, tableCells, widthsOf } from './table.ts';
import { parseTargets, type Target } from './targets.ts';

export interface GetOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly output?: string;
  readonly showLabels?: boolean;
  /** False with `--no-headers`. */
  readonly headers: boolean;
  readonly watch?: boolean;
  readonly ignoreNotFound?: boolean;
}

const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export async function get(session: Session, args: readonly string[], options: GetOptions): Promise<void> {
  checkOutput(options.output);
  const targets = parseTargets(await discover(session.client), args);
  if (options.watch) return watchTarget(session, targets, options);
  const isTable = options.output === undefined || options.output === 'wide';
  if (isTable) return printTables(session, targets, options);
  return printObjects(session, targets, options);
}

function checkOutput(output: string | undefined): void {
  const known =
    output === undefined || ['wide', 'json', 'yaml', 'name'].includes(output) || output.startsWith('jsonpath=');
  if (!known)
    throw new Failure(
      `error: unable to match a printer suitable for the output format "${output}", allowed formats are: json,jsonpath,name,wide,yaml`,
    );
}

/** One request: a named object, or everything of a kind. */
interface Request {
  readonly kind: Kind;
  readonly path: string;
  readonly query: Query;
}

function requestsOf(session: Session, { kind, names }: Target, options: GetOptions): Request[] {
  if (names.length > 0 && options.allNamespaces)
    throw new Failure('error: a resource cannot be retrieved by name across all namespaces');
  const namespace = options.allNamespaces ? undefined : session.namespace;
  if (names.length > 0) return names.map((name) => ({ kind, path: urlPath(pathOf(kind, namespace, name)), query: {} }));
  const query = { labelSelector: options.selector, fieldSelector: options.fieldSelector };
  return [{ kind, path: urlPath(pathOf(kind, namespace)), query }];
}

function viewOf(kind: Kind, targets: readonly Target[], options: GetOptions): TableView {
  const several = new Set(targets.map((target) => target.kind)).size > 1;
  return {
    wide: options.output === 'wide',
    showLabels: options.showLabels ?? false,
    showNamespace: (options.allNamespaces ?? false) && kind.namespaced,
    noHeaders: !options.headers,
    namePrefix: several ? displayName(kind, '') : '',
  };
}

async function printTables(session: Session, targets: readonly Target[], options: GetOptions): Promise<void> {
  const { io } = session;
  const texts: string[] = [];
  const missing: string[] = [];
  for (const target of targets) {
    const tables: Table[] = [];
    for (const request of requestsOf(session, target, options)) {
      const fetched = await fetchTable(session, request);
      if (typeof fetched !== 'string') tables.push(fetched);
      else if (!options.ignoreNotFound) missing.push(fetched);
    }
    const columns = tables.find(({ columnDefinitions = [] }) => columnDefinitions.length > 0)?.columnDefinitions ?? [];
    const rows = tables.flatMap((table) => table.rows ?? []);
    if (rows.length === 0) continue;
    const cells = tableCells(columns, rows, viewOf(target.kind, targets, options));
    texts.push(alignedLines(cells, widthsOf(cells)));
  }
  io.stdout.write(texts.join('\n'));
  if (missing.length > 0) throw new Failure(missing.join('\n'));
  if (texts.length > 0 || options.ignoreNotFound) return;
  const anyNamespaced = targets.some(({ kind }) => kind.namespaced) && !options.allNamespaces;
  io.stderr.write(`No resources found${anyNamespaced ? ` in ${session.namespace} namespace.` : ''}\n`);
}

/** All pages of a table, or the text of a NotFound. */
async function fetchTable({ client }: Session, { path, query }: Request): Promise<Table | string> {
  let whole: Table | undefined;
  for (let next: string | undefined; ; ) {
    const answer = await client.request<Table>({
      method: 'GET',
      path,
      accept: tableAccept,
      query: { ...query, limit: 500, continue: next },
    });
    if (!answer.ok && answer.error.code === 404) return `Error from server (NotFound): ${answer.error.message}`;
    const page = need(answer);
    if (page.kind !== 'Table') throw new Failure('error: the server offers no tables; use -o yaml or -o name');
    whole = whole
      ? { ...whole, metadata: page.metadata ?? {}, rows: [...(whole.rows ?? []), ...(page.rows ?? [])] }
      : page;
    next = page.metadata?.continue;
    if (!next) return whole;
  }
}

interface Fetched {
  readonly kind: Kind;
  readonly object: Readonly<Record<string, unknown>>;
}

async function printObjects(session: Session, targets: readonly Target[], options: GetOptions): Promise<void> {
  const found: Fetched[] = [];
  let single = targets.length === 1;
  for (const target of targets) {
    if (target.names.length !== 1) single = false;
    for (const { kind, path, query } of requestsOf(session, target, options)) {
      if (target.names.length > 0) {
        const answer = await session.client.request<Fetched['object']>({ method: 'GET', path });
        if (!answer.ok && answer.error.code === 404 && options.ignoreNotFound) continue;
        found.push({ kind, object: need(answer) });
        continue;
      }
      const namespace = options.allNamespaces ? undefined : session.namespace;
      const { labelSelector, fieldSelector } = query;
      const listed = await session.client.list<Fetched['object']>(pathOf(kind, namespace), {
        labelSelector: labelSelector as string | undefined,
        fieldSelector: fieldSelector as string | undefined,
      });
      for (const object of need(listed).items) found.push({ kind, object });
    }
  }
  session.io.stdout.write(await objectsText(found, single, options.output ?? 'yaml'));
}

async function objectsText(found: readonly Fetched[], single: boolean, output: string): Promise<string> {
  if (output === 'name') return found.map(({ kind, object }) => `${displayName(kind, nameOf(object))}\n`).join('');
  const objects = found.map(({ object }) => withoutManagedFields(object));
  const list = { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } };
  const whole = single && objects.length === 1 ? objects[0] : list;
  if (output.startsWith('jsonpath=')) return renderJsonPath(output.slice('jsonpath='.length), whole);
  if (output === 'json') return `${JSON.stringify(whole, undefined, 4)}\n`;
  const { stringify } = await import('yaml');
  return stringify(whole, { aliasDuplicateObjects: false, lineWidth: 0, keepUndefined: false });
}

/** Who owns which field is long and of use to few; kubectl hides it too. */
function withoutManagedFields(object: Fetched['object']): Fetched['object'] {
  const metadata = object['metadata'];
  return isFields(metadata) ? { ...object, metadata: { ...metadata, managedFields: undefined } } : object;
}

function nameOf(object: Readonly<Record<string, unknown>>): string {
  const metadata = object['metadata'] as { readonly name?: string } | undefined;
  return metadata?.name ?? '';
}

/** Prints the table, then a line for each change, until the server or the user ends it. */
async function watchTarget(session: Session, targets: readonly Target[], options: GetOptions): Promise<void> {
  const [target] = targets;
  const isTable = options.output === undefined || options.output === 'wide';
  if (!target || targets.length !== 1 || target.names.length > 1 || !isTable) {
    throw new Failure('error: --watch follows one kind, or one object of it, as a table');
  }
  const { client, io } = session;
  const [name] = target.names;
  const fieldSelector = name === undefined ? options.fieldSelector : `metadata.name=${name}`;
  const [request] = requestsOf(
    session,
    { kind: target.kind, names: [] },
    { ...options, ...(fieldSelector === undefined ? {} : { fieldSelector }) },
  );
  if (!request) return;
  const first = await fetchTable(session, request);
  if (typeof first === 'string') throw new Failure(first);
  const columns = first.columnDefinitions ?? [];
  const view = viewOf(target.kind, targets, options);
  const cells = tableCells(columns, first.rows ?? [], view);
  const widths = widthsOf(cells);
  io.stdout.write(alignedLines(cells, widths));
  const query = { ...request.query, watch: true, resourceVersion: first.metadata?.resourceVersion };
  const stream = need(await client.transport.open({ method: 'GET', path: request.path, query, accept: tableAccept }));
  for await (const { type, object } of watchEvents(stream)) {
    if (type === 'BOOKMARK') continue;
    if (type === 'ERROR') throw new Failure(`error: the watch ended: ${JSON.stringify(object)}`);
    const rows = (object as Table).rows ?? [];
    io.stdout.write(alignedLines(tableCells(columns, rows, { ...view, noHeaders: true }), widths));
  }
}
