import { type Fields, isObject, typeName } from '../../config/fields.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import type { StatsScope } from '../../stats/store.ts';
import { type Find, readDomainMatcher, readIpMatcher } from './custom.ts';
import { type Input, type InputTable, UNAVAILABLE } from './inputs.ts';
import { readPredicate } from './predicate.ts';

/** A part of a compiled `xds.type.matcher.v3.Matcher`: the action for a subject, undefined where nothing matches it. */
export type MatchTree<Subject, Action> = (subject: Subject) => Action | undefined | typeof UNAVAILABLE;

/** What a tree may hold in its place. */
export interface TreeContext<Subject, Action> {
  readonly inputs: InputTable<Subject>;
  /** Envoy's words for an input that is not in the table. */
  readonly refuseInput: (type: string) => string;
  /** How actions are read, by the full name of their configuration message. */
  readonly actions: ReadonlyMap<string, (fields: Fields) => Action | undefined>;
  readonly runtime: Runtime;
  readonly stats: StatsScope;
}

const NOTHING = (): undefined => undefined;

/** Reads an `xds.type.matcher.v3.Matcher`: the action for a subject. Where the tree can give no answer there is none. */
export function readMatcher<Subject, Action>(
  fields: Fields,
  context: TreeContext<Subject, Action>,
): (subject: Subject) => Action | undefined {
  const tree = readMatchTree(fields, context);
  return (subject) => {
    const action = tree(subject);
    return action === UNAVAILABLE ? undefined : action;
  };
}

function readMatchTree<Subject, Action>(
  fields: Fields,
  context: TreeContext<Subject, Action>,
): MatchTree<Subject, Action> {
  const otherwise = fields.message('on_no_match', (inner) => readBranch(inner, context)) ?? NOTHING;
  if (fields.has('matcher_list')) {
    return fields.message('matcher_list', (inner) => readList(inner, otherwise, context)) ?? NOTHING;
  }
  if (fields.has('matcher_tree')) {
    return fields.message('matcher_tree', (inner) => readTree(inner, otherwise, context)) ?? NOTHING;
  }
  return otherwise;
}

/** Reads an `xds.type.matcher.v3.Matcher.OnMatch`. */
function readBranch<Subject, Action>(
  fields: Fields,
  context: TreeContext<Subject, Action>,
): MatchTree<Subject, Action> {
  if (fields.flag('keep_matching')) fields.problem('keep_matching', 'is not supported in this context');
  if (fields.oneOf('on_match', ['matcher', 'action']) === 'matcher') {
    return fields.message('matcher', (inner) => readMatchTree(inner, context)) ?? NOTHING;
  }
  const action = fields.message('action', (inner) =>
    readExtension(inner, [...context.actions.keys()], (config, type) => context.actions.get(type)?.(config)),
  );
  return () => action;
}

/** Reads a `TypedExtensionConfig` whose type is one of those given; what it is called has no effect. */
export function readExtension<T>(
  fields: Fields,
  types: readonly string[],
  read: (config: Fields, type: string) => T | undefined,
  refuse = (type: string): string => `${JSON.stringify(type)} is not supported by ciliate-proxy here`,
): T | undefined {
  fields.ignore('name');
  const raw = fields.raw('typed_config');
  const type = isObject(raw) ? typeName(raw) : '';
  return fields.message('typed_config', (config) => {
    if (types.includes(type)) return read(config, type);
    config.ignore(...Object.keys(config.json));
    config.problem('@type', refuse(type), types.join(', '));
    return undefined;
  });
}

/** The first row whose predicate holds and that leads to an action. */
function readList<Subject, Action>(
  fields: Fields,
  otherwise: MatchTree<Subject, Action>,
  context: TreeContext<Subject, Action>,
): MatchTree<Subject, Action> {
  const rows = fields.list('matchers', (row) => ({
    holds: row.message('predicate', (inner) => readPredicate(inner, context)) ?? (() => false),
    branch: row.message('on_match', (inner) => readBranch(inner, context)) ?? NOTHING,
  }));
  return (subject) => {
    for (const { holds, branch } of rows) {
      const verdict = holds(subject);
      if (verdict === undefined) return UNAVAILABLE;
      const action = verdict ? branch(subject) : undefined;
      if (action !== undefined) return action;
    }
    return otherwise(subject);
  };
}

/** Envoy takes it in some places; the expressions are not built. */
const CEL = 'xds.type.matcher.v3.HttpAttributesCelMatchInput';

/** Reads the `xds.core.v3.TypedExtensionConfig` of an input under `key`. */
export function readInput<Subject, Action>(
  fields: Fields,
  key: string,
  { inputs, refuseInput }: TreeContext<Subject, Action>,
): Input<Subject> {
  const found = fields.message(key, (inner) =>
    readExtension(
      inner,
      [...inputs.keys()],
      (config, type) => inputs.get(type)?.(config),
      (type) => (type === CEL ? 'CEL expressions are not supported by ciliate-proxy' : refuseInput(type)),
    ),
  );
  return found ?? { kind: 'text', get: () => undefined };
}

function readTree<Subject, Action>(
  fields: Fields,
  otherwise: MatchTree<Subject, Action>,
  context: TreeContext<Subject, Action>,
): MatchTree<Subject, Action> {
  const input = readInput(fields, 'input', context);
  const kind = fields.oneOf('tree_type', ['exact_match_map', 'prefix_match_map', 'custom_match']);
  if (input.kind !== 'text') {
    fields.problem('input', 'Unsupported data input type: currently only string type is supported');
    if (kind) fields.ignore(kind);
    return otherwise;
  }
  const branch = (inner: Fields): MatchTree<Subject, Action> => readBranch(inner, context);
  switch (kind) {
    case 'exact_match_map': {
      const branches = fields.message(kind, (inner) => readBranches(inner, branch)) ?? new Map();
      return exactTree(input.get, branches, otherwise);
    }
    case 'prefix_match_map': {
      const branches = fields.message(kind, (inner) => readBranches(inner, branch)) ?? new Map();
      return prefixTree(input.get, branches, otherwise);
    }
    case 'custom_match': {
      const types = [...CUSTOM.keys()];
      const found = fields.message(kind, (inner) =>
        readExtension(inner, types, (config, type) => CUSTOM.get(type)?.(config, branch)),
      );
      return found ? customTree(input.get, found, otherwise) : otherwise;
    }
    default:
      return otherwise;
  }
}

const CUSTOM: ReadonlyMap<string, typeof readIpMatcher> = new Map([
  ['xds.type.matcher.v3.IPMatcher', readIpMatcher],
  ['xds.type.matcher.v3.ServerNameMatcher', readDomainMatcher],
]);

/** By their keys, as latin1 text of their bytes: so values come. */
function readBranches<Tree>(fields: Fields, read: (fields: Fields) => Tree): ReadonlyMap<string, Tree> {
  const branches = fields.map('map', read);
  return new Map([...branches].map(([key, branch]) => [Buffer.from(key, 'utf8').toString('latin1'), branch]));
}

type Get<Subject> = (subject: Subject) => string | undefined | typeof UNAVAILABLE;

function exactTree<Subject, Action>(
  get: Get<Subject>,
  branches: ReadonlyMap<string, MatchTree<Subject, Action>>,
  otherwise: MatchTree<Subject, Action>,
): MatchTree<Subject, Action> {
  return (subject) => {
    const value = get(subject);
    if (value === UNAVAILABLE) return UNAVAILABLE;
    const branch = value === undefined ? undefined : branches.get(value);
    return branch?.(subject) ?? otherwise(subject);
  };
}

/** The longest prefix that leads to an action. */
function prefixTree<Subject, Action>(
  get: Get<Subject>,
  branches: ReadonlyMap<string, MatchTree<Subject, Action>>,
  otherwise: MatchTree<Subject, Action>,
): MatchTree<Subject, Action> {
  const lengths = [...new Set([...branches.keys()].map((key) => key.length))].sort((left, right) => right - left);
  return (subject) => {
    const value = get(subject);
    if (value === UNAVAILABLE) return UNAVAILABLE;
    if (value === undefined) return otherwise(subject);
    for (const length of lengths) {
      if (length > value.length) continue;
      const action = branches.get(value.slice(0, length))?.(subject);
      if (action !== undefined) return action;
    }
    return otherwise(subject);
  };
}

function customTree<Subject, Action>(
  get: Get<Subject>,
  find: Find<Subject, Action>,
  otherwise: MatchTree<Subject, Action>,
): MatchTree<Subject, Action> {
  return (subject) => {
    const value = get(subject);
    if (value === UNAVAILABLE) return UNAVAILABLE;
    return (value === undefined ? undefined : find(value, subject)) ?? otherwise(subject);
  };
}
