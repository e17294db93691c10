import type { Fields } from '../../config/fields.ts';
import { readStringMatcher } from '../strings.ts';
import { type Input, UNAVAILABLE } from './inputs.ts';
import { readExtension, readInput, type TreeContext } from './tree.ts';
import { readValueTest, VALUE_TESTS, type ValueTest } from './value-tests.ts';

/** Undefined: it cannot be told. */
export type Predicate<Subject> = (subject: Subject) => boolean | undefined;

/** Reads an `xds.type.matcher.v3.Matcher.MatcherList.Predicate`. */
export function readPredicate<Subject, Action>(
  fields: Fields,
  context: TreeContext<Subject, Action>,
): Predicate<Subject> {
  const read = (inner: Fields): Predicate<Subject> => readPredicate(inner, context);
  const all = (key: string): readonly Predicate<Subject>[] =>
    fields.message(key, (inner) => inner.list('predicate', read)) ?? [];
  const kind = fields.oneOf('match_type', ['single_predicate', 'or_matcher', 'and_matcher', 'not_matcher']);
  switch (kind) {
    case 'single_predicate':
      return fields.message(kind, (inner) => readSingle(inner, context)) ?? (() => false);
    case 'or_matcher': {
      const tests = all(kind);
      return (subject) => anyHolds(tests, subject);
    }
    case 'and_matcher': {
      const tests = all(kind);
      return (subject) => allHold(tests, subject);
    }
    case 'not_matcher': {
      const test = fields.message(kind, read) ?? (() => true);
      return (subject) => {
        const holds = test(subject);
        return holds === undefined ? undefined : !holds;
      };
    }
    default:
      return () => false;
  }
}

/** One that holds is enough, even where others cannot be told. */
function anyHolds<Subject>(tests: readonly Predicate<Subject>[], subject: Subject): boolean | undefined {
  let answer: boolean | undefined = false;
  for (const test of tests) {
    const holds = test(subject);
    if (holds) return true;
    if (holds === undefined) answer = undefined;
  }
  return answer;
}

/** The first that does not hold, or cannot be told, decides. */
function allHold<Subject>(tests: readonly Predicate<Subject>[], subject: Subject): boolean | undefined {
  for (const test of tests) {
    const holds = test(subject);
    if (!holds) return holds;
  }
  return true;
}

function readSingle<Subject, Action>(fields: Fields, context: TreeContext<Subject, Action>): Predicate<Subject> {
  const input = readInput(fields, 'input', context);
  if (fields.oneOf('matcher', ['value_match', 'custom_match']) === 'value_match') {
    const passes = fields.message('value_match', readStringMatcher) ?? (() => false);
    return predicateOf(input, { kind: 'text', passes });
  }
  const test = fields.message('custom_match', (inner) =>
    readExtension(inner, VALUE_TESTS, (config, type) => readValueTest(config, type, context)),
  );
  return test ? predicateOf(input, test) : () => false;
}

/** A test of values of another kind than those of the input never passes. */
function predicateOf<Subject>(input: Input<Subject>, test: ValueTest): Predicate<Subject> {
  if (input.kind === 'text' && test.kind === 'text') {
    const { get } = input;
    const { passes } = test;
    return (subject) => {
      const value = get(subject);
      if (value === UNAVAILABLE) return undefined;
      return value !== undefined && passes(value);
    };
  }
  if (input.kind === 'metadata' && test.kind === 'metadata') {
    const { get } = input;
    const { passes } = test;
    return (subject) => passes(get(subject));
  }
  return () => false;
}
