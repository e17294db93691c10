import type { CelEnvironment } from './cel-environment.ts';
import { celContainer, flowVariable } from './cel-environment.ts';

type Expr = ReturnType<CelEnvironment['cel']['parse']>['expr'];
type Environment = Pick<CelEnvironment, 'environment' | 'flowType'>;

/** A mistake in an expression, at one of its nodes. */
export interface CelFault {
  readonly id: bigint;
  readonly message: string;
}

export interface CelChecked {
  readonly fault?: CelFault;
  /** How many nodes are looked at for a flow, with loops as often as they run. */
  readonly steps: number;
  /** The type of the result, where it can be told. */
  readonly type: string | undefined;
}

/** How often a loop over something of the flow is taken to run: labels and headers are about as many. */
const loopRuns = 64;

/**
 * What the evaluator would only find out with a flow, or never: names and fields that are not there, values of different types that are
 * compared. `@bufbuild/cel` has no checker of types.
 */
export function checkExpression(expr: Expr, environment: Environment): CelChecked {
  const faults: CelFault[] = [];
  const known = createKnown(environment);
  let steps = 0;

  const children = (all: readonly (Expr | undefined)[], scope: Scope, runs: number): void => {
    for (const each of all) if (each) visit(each, scope, runs);
  };

  /** The type of the node, undefined where it is not known. */
  const visit = (node: Expr, scope: Scope, runs: number): ValueType | undefined => {
    steps += runs;
    const { case: kind, value } = node.exprKind;
    switch (kind) {
      case 'constExpr':
        return constantType(value.constantKind.case);
      case 'identExpr': {
        if (scope.has(value.name)) return scope.get(value.name);
        const found = known.name(value.name);
        if (!found)
          faults.push({
            id: node.id,
            message: `undeclared reference to '${value.name}' (in container '${celContainer}')`,
          });
        return found;
      }
      case 'selectExpr': {
        const path = pathOf(node);
        const constant = path && !scope.has(path[0] ?? '') ? known.constant(path.join('.')) : undefined;
        if (constant) return constant;
        const of = value.operand && visit(value.operand, scope, runs);
        const field = of?.fields?.(value.field);
        if (of?.fields && !field) faults.push({ id: node.id, message: `undefined field '${value.field}'` });
        return value.testOnly ? { name: 'bool' } : field;
      }
      case 'callExpr': {
        const given = [...(value.target ? [value.target] : []), ...value.args].map((each) => visit(each, scope, runs));
        const [left, right] = given;
        const comparing = value.function === '_==_' || value.function === '_!=_';
        if (comparing && left && right && !fits(left.name, right.name)) {
          const types = `(${left.name}, ${right.name})`;
          faults.push({
            id: node.id,
            message: `found no matching overload for '${value.function}' applied to '${types}'`,
          });
        }
        return booleanCalls.has(value.function) ? { name: 'bool' } : undefined;
      }
      case 'listExpr':
        children(value.elements, scope, runs);
        return undefined;
      case 'structExpr':
        children(
          value.entries.flatMap((entry) => [
            entry.keyKind.case === 'mapKey' ? entry.keyKind.value : undefined,
            entry.value,
          ]),
          scope,
          runs,
        );
        return undefined;
      case 'comprehensionExpr': {
        const range = value.iterRange;
        const over = range && visit(range, scope, runs);
        const size = range?.exprKind.case === 'listExpr' ? range.exprKind.value.elements.length : loopRuns;
        const inner = new Map([...scope, [value.iterVar, over?.element], [value.accuVar, undefined]]);
        if (value.iterVar2 !== '') inner.set(value.iterVar2, undefined);
        children([value.accuInit], scope, runs);
        children([value.loopCondition, value.loopStep], inner, runs * Math.max(1, size));
        children([value.result], inner, runs);
        return undefined;
      }
      default:
        return undefined;
    }
  };

  const type = visit(expr, new Map(), 1);
  const [fault] = faults;
  return { ...(fault && { fault }), steps, type: type?.name };
}

type Scope = ReadonlyMap<string, ValueType | undefined>;

interface ValueType {
  /** As cel-go writes it. */
  readonly name: string;
  /** Of a message: the type of a field; undefined where there is none. */
  readonly fields?: (name: string) => ValueType | undefined;
  /** Of a list. */
  readonly element?: ValueType;
}

const booleanCalls = new Set(
  ['_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_', '_&&_', '_||_', '!_', '@in', '@not_strictly_false'].concat([
    'startsWith',
    'endsWith',
    'contains',
    'matches',
  ]),
);

const constantTypes: Readonly<Record<string, string>> = {
  boolValue: 'bool',
  int64Value: 'int',
  uint64Value: 'uint',
  doubleValue: 'double',
  stringValue: 'string',
  bytesValue: 'bytes',
};

function constantType(kind: string | undefined): ValueType | undefined {
  const name = kind === undefined ? undefined : constantTypes[kind];
  return name === undefined ? undefined : { name };
}

/** A value that may be null is compared with null and with what it holds. */
function fits(left: string, right: string): boolean {
  const plain = (name: string): string => name.replace(/^wrapper\((.*)\)$/, '$1');
  return plain(left) === plain(right);
}

/** `a.b.c` as its words; undefined for anything else. */
function pathOf(node: Expr): string[] | undefined {
  const { case: kind, value } = node.exprKind;
  if (kind === 'identExpr') return [value.name];
  if (kind !== 'selectExpr' || value.testOnly || !value.operand) return undefined;
  const before = pathOf(value.operand);
  return before && [...before, value.field];
}

function createKnown({ environment, flowType }: Environment) {
  const { registry } = environment;
  type Message = typeof flowType;
  type Field = Message['fields'][number];
  const messageType = (message: Message): ValueType => {
    const wrapped = wrappers[message.typeName];
    if (wrapped !== undefined) return { name: `wrapper(${wrapped})` };
    if (message.typeName.startsWith('google.protobuf.')) return { name: message.typeName };
    const byName = new Map(message.fields.map((field) => [field.name, field]));
    return {
      name: message.typeName,
      fields: (name) => {
        const field = byName.get(name);
        return field && fieldType(field);
      },
    };
  };
  const fieldType = (field: Field): ValueType => {
    if (field.fieldKind === 'message') return messageType(field.message);
    if (field.fieldKind === 'enum') return { name: 'int' };
    if (field.fieldKind === 'scalar') return { name: scalarNames[field.scalar] ?? 'dyn' };
    if (field.fieldKind === 'map') return { name: 'map' };
    const element =
      field.listKind === 'message'
        ? messageType(field.message)
        : { name: field.listKind === 'enum' ? 'int' : (scalarNames[field.scalar] ?? 'dyn') };
    return { name: `list(${element.name})`, element };
  };
  /** Names are looked for in the container first. */
  const candidates = (name: string): string[] => [`${celContainer}.${name}`, name];
  return {
    name: (name: string): ValueType | undefined => (name === flowVariable ? messageType(flowType) : undefined),
    constant: (path: string): ValueType | undefined => {
      const cut = path.lastIndexOf('.');
      const found = candidates(path.slice(0, cut)).some((one) =>
        registry.getEnum(one)?.values.some(({ name }) => name === path.slice(cut + 1)),
      );
      return found ? { name: 'int' } : undefined;
    },
  };
}

const wrappers: Readonly<Record<string, string>> = {
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.Int32Value': 'int',
  'google.protobuf.UInt32Value': 'uint',
  'google.protobuf.StringValue': 'string',
};

/** By `ScalarType` of `@bufbuild/protobuf`, whose numbers are those of `FieldDescriptorProto.Type`. */
const scalarNames: Readonly<Record<number, string>> = {
  1: 'double',
  2: 'double',
  3: 'int',
  4: 'uint',
  5: 'int',
  6: 'uint',
  7: 'uint',
  8: 'bool',
  9: 'string',
  12: 'bytes',
  13: 'uint',
  15: 'int',
  16: 'int',
  17: 'int',
  18: 'int',
};
