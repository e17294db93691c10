import type { SourcePosition } from '../../base/index.ts';
import type { Explanation, NearMiss, ObjectField, Part, Step } from '../../plan/index.ts';
import { takenHead, takenLines } from './print-taken.ts';

type Rule = NearMiss['rule'];

/** The place of a field in the files; undefined when its object comes from a cluster. */
export type PositionOf = (field: ObjectField) => SourcePosition | undefined;

const margin = '  ';
const verdictWords = { allowed: 'allowed', denied: 'DENIED', audited: 'AUDITED', unasked: 'open' } as const;

/** The answer for people: the parts with their steps, under each what decided, at the end the verdict. */
export function explanationText(
  { from, to, parts, warnings, allowed, learntFor }: Explanation,
  positionOf: PositionOf,
  request: string,
): string {
  const taken = parts.find((part) => part.taken)?.taken;
  const lines = [
    `${from} -> ${to}${request === '' ? '' : `  ${request}`}`,
    ...(learntFor ? [learntText(learntFor)] : []),
    ...(taken ? [takenHead(taken, (field) => fieldText(field, positionOf))] : []),
    '',
  ];
  const names = parts.flatMap(({ steps }) => steps.map(({ subject }) => subject.length));
  for (const part of parts) {
    lines.push(...partLines(part, Math.max(...names), positionOf, request), '');
  }
  for (const warning of warnings) lines.push(`note: ${warning}`);
  if (warnings.length > 0) lines.push('');
  const unasked = parts.some(({ steps }) => steps.some(({ verdict }) => verdict === 'unasked'));
  const some = deniedShare(parts);
  const asked = parts.some(({ steps }) => steps.length > 0);
  const manner = asked ? (unasked ? ' to connect' : '') : ': no policy is asked';
  lines.push(allowed ? `ALLOWED${manner}` : `DENIED${some}`);
  return `${lines.join('\n')}\n`;
}

/** Of several parts that not all are denied, how many are; where random numbers choose among them, each request meets one. */
function deniedShare(parts: readonly Part[]): string {
  const denied = parts.filter((part) => !part.allowed).length;
  if (denied === parts.length || denied === 0) return '';
  const isChosen = parts.every(({ taken }) => taken && taken.share < 1);
  return isChosen
    ? ` for some of the requests (${denied} of ${parts.length} ways)`
    : ` (${denied} of ${parts.length} parts)`;
}

function learntText({ node, names }: NonNullable<Explanation['learntFor']>): string {
  if (names.length === 0) return `${node} has learnt no DNS name for this address`;
  return `${node} has learnt this address from DNS for ${names.map((name) => name.replace(/\.$/, '')).join(', ')}`;
}

function partLines(
  { title, steps, taken }: Part,
  width: number,
  positionOf: PositionOf,
  request: string,
): readonly string[] {
  const head = (step: Step) =>
    `${margin}${step.direction.padEnd('ingress'.length)} ${step.layer.padEnd('L3/L4'.length)}  ${step.subject.padEnd(width)}  `;
  return [
    `${title}:`,
    ...(taken ? takenLines(taken, request, (field) => fieldText(field, positionOf)) : []),
    ...steps.flatMap((step) => {
      const verdict = verdictWords[step.verdict].padEnd('allowed'.length);
      const indent = ' '.repeat(margin.length + 'ingress L3/L4  '.length);
      const rule = (word: string, one: Rule, more = '') =>
        `${indent}${word.padEnd('isolated by'.length)}  ${fieldText(one, positionOf)}${more}`;
      return [
        `${head(step)}${verdict}  ${step.reason}`,
        ...step.rules.map((one) => rule(step.verdict === 'unasked' ? 'candidate' : 'by', one)),
        ...step.isolatedBy.map((one) => rule('isolated by', one)),
        ...step.nearest.map((near) => rule('near miss', near.rule, `: ${near.miss}`)),
      ];
    }),
  ];
}

function fieldText(field: ObjectField, positionOf: PositionOf): string {
  const position = positionOf(field);
  const place = position ? `  ${position.file}:${position.line}` : '';
  return `${objectName(field)}  ${field.path}${place}`;
}

function objectName({ kind, namespace, name }: ObjectField): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** The answer for programs: the same, rules with their places in the files. */
export function explanationJson(explanation: Explanation, positionOf: PositionOf): string {
  const ruleOf = (field: ObjectField) => {
    const { kind, namespace, name, path } = field;
    const position = positionOf(field);
    return {
      kind,
      ...(namespace !== undefined && { namespace }),
      name,
      path,
      ...(position && { file: position.file, line: position.line }),
    };
  };
  const parts = explanation.parts.map((part) => ({
    ...part,
    ...(part.taken && { taken: { ...part.taken, by: ruleOf(part.taken.by), place: ruleOf(part.taken.place) } }),
    steps: part.steps.map((step) => ({
      ...step,
      rules: step.rules.map(ruleOf),
      isolatedBy: step.isolatedBy.map(ruleOf),
      nearest: step.nearest.map(({ rule, miss }) => ({ ...ruleOf(rule), miss })),
    })),
  }));
  return `${JSON.stringify({ ...explanation, parts }, null, 2)}\n`;
}
