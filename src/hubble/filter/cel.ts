import { fail, ok, type Result } from '../../base/index.ts';
import { type CelFault, checkExpression } from './cel-check.ts';
import { type CelEnvironment, celEnvironment, flowVariable } from './cel-environment.ts';
import type { FlowTest } from './sides.ts';

/** Of one filter; a longer list or text is refused. */
const mostExpressions = 16;
const longestExpression = 4_096;
/** Steps that an expression may take on one flow, its loops counted in full. */
const mostSteps = 20_000;

/**
 * A test that passes a flow for which any of the expressions (CEL) is true; one that fails on a flow is not true for it. Errors have the
 * texts of cel-go for what is not there or does not fit, positions included.
 */
export function compileExpressions(expressions: readonly string[]): Result<FlowTest, string> {
  if (expressions.length > mostExpressions)
    return fail(`${expressions.length} CEL expressions, at most ${mostExpressions} are accepted`);
  const tests: FlowTest[] = [];
  for (const expression of expressions) {
    const test = compileExpression(expression);
    if (!test.ok) return fail(`error compiling CEL expression: ${test.error}`);
    tests.push(test.value);
  }
  return ok((flow) => tests.some((test) => test(flow)));
}

function compileExpression(text: string): Result<FlowTest, string> {
  if (text.length > longestExpression) return fail(`it is longer than ${longestExpression} characters`);
  const environment = celEnvironment();
  const { cel } = environment;
  const parsed = parse(text, environment);
  if (!parsed.ok) return parsed;
  const checked = checkExpression(parsed.value.expr, environment);
  if (checked.fault) return fail(faultText(text, checked.fault, parsed.value.positions));
  if (checked.steps > mostSteps)
    return fail(`it may take ${checked.steps} steps for a flow, at most ${mostSteps} are accepted`);
  if (checked.type !== undefined && checked.type !== 'bool')
    return fail(`got "${checked.type}", wanted "bool" result type`);
  const run = cel.plan(environment.environment, parsed.value.expr);
  return ok((flow) => run({ [flowVariable]: environment.messageOf(flow) }) === true);
}

type Parsed = ReturnType<CelEnvironment['cel']['parse']>;

function parse(
  text: string,
  { cel }: CelEnvironment,
): Result<{ readonly expr: Parsed['expr']; readonly positions: ReadonlyMap<string, number> }, string> {
  try {
    const { expr, sourceInfo } = cel.parse(text);
    const positions = new Map(Object.entries(sourceInfo?.positions ?? {}));
    return ok({ expr, positions });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, place, what] = /^(<input>:\d+:\d+): (.*)$/s.exec(message) ?? [];
    return fail(place === undefined ? message : `ERROR: ${place}: Syntax error: ${what}`);
  }
}

function faultText(text: string, { id, message }: CelFault, positions: ReadonlyMap<string, number>): string {
  const offset = positions.get(String(id)) ?? 0;
  const before = text.slice(0, offset).split('\n');
  return `ERROR: <input>:${before.length}:${(before.at(-1)?.length ?? 0) + 1}: ${message}`;
}
