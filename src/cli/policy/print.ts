import type { SourcePosition } from '../../base/index.ts';
import type { Explanation, NearMiss, Part, Step } from '../../plan/index.ts';

type Rule = NearMiss['rule'];

/** The place of a rule in the files; undefined when the policy comes from a cluster. */
export type PositionOf = (rule: Rule) => SourcePosition | undefined;

const margin = '  ';
const verdictWords = { allowed: 'allowed', denied: 'DENIED', audited: 'AUDITED', unasked: 'open' } as const;

/** The answer for people: the parts with their steps, under each what decided, at the end the verdict. */
export function explanationText(
  { from, to, parts, warnings, allowed, learntFor }: Explanation,
  positionOf: PositionOf,
  request: string,
): string {
  const lines = [`${from} -> ${to}${request === '' ? '' : `  ${request}`}`, ''];
  if (learntFor) lines.splice(1, 0, learntText(learntFor));
  const names = parts.flatMap(({ steps }) => steps.map(({ subject }) => subject.length));
  for (const part of parts) {
    lines.push(...partLines(part, Math.max(...names), positionOf), '');
  }
  for (const warning of warnings) lines.push(`note: ${warning}`);
  if (warnings.length > 0) lines.push('');
  const unasked = parts.some(({ steps }) => steps.some(({ verdict }) => verdict === 'unasked'));
  const denied = parts.filter((part) => !part.allowed).length;
  const some = denied > 0 && denied < parts.length && parts.length > 1 ? ` (${denied} of ${parts.length} parts)` : '';
  lines.push(allowed ? `ALLOWED${unasked ? ' to connect' : ''}` : `DENIED${some}`);
  return `${lines.join('\n')}\n`;
}

function learntText({ node, names }: NonNullable<Explanation['learntFor']>): string {
  if (names.length === 0) return `${node} has learnt no DNS name for this address`;
  return `${node} has learnt this address from DNS for ${names.map((name) => name.replace(/\.$/, '')).join(', ')}`;
}

function partLines({ title, steps }: Part, width: number, positionOf: PositionOf): readonly string[] {
  const head = (step: Step) =>
    `${margin}${step.direction.padEnd('ingress'.length)} ${step.layer.padEnd('L3/L4'.length)}  ${step.subject.padEnd(width)}  `;
  return [
    `${title}:`,
    ...steps.flatMap((step) => {
      const verdict = verdictWords[step.verdict].padEnd('allowed'.length);
      const indent = ' '.repeat(margin.length + 'ingress L3/L4  '.length);
      const rule = (word: string, one: Rule, more = '') =>
        `${indent}${word.padEnd('isolated by'.length)}  ${ruleText(one, positionOf)}${more}`;
      return [
        `${head(step)}${verdict}  ${step.reason}`,
        ...step.rules.map((one) => rule(step.verdict === 'unasked' ? 'candidate' : 'by', one)),
        ...step.isolatedBy.map((one) => rule('isolated by', one)),
        ...step.nearest.map((near) => rule('near miss', near.rule, `: ${near.miss}`)),
      ];
    }),
  ];
}

function ruleText(rule: Rule, positionOf: PositionOf): string {
  const position = positionOf(rule);
  const place = position ? `  ${position.file}:${position.line}` : '';
  return `${objectName(rule)}  ${rule.path}${place}`;
}

function objectName({ kind, namespace, name }: Rule): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** The answer for programs: the same, rules with their places in the files. */
export function explanationJson(explanation: Explanation, positionOf: PositionOf): string {
  const ruleOf = (rule: Rule) => {
    const { kind, namespace, name, path } = rule;
    const position = positionOf(rule);
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
    steps: part.steps.map((step) => ({
      ...step,
      rules: step.rules.map(ruleOf),
      isolatedBy: step.isolatedBy.map(ruleOf),
      nearest: step.nearest.map(({ rule, miss }) => ({ ...ruleOf(rule), miss })),
    })),
  }));
  return `${JSON.stringify({ ...explanation, parts }, null, 2)}\n`;
}
