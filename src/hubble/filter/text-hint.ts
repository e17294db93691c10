import { enumName, type FlowFilter } from '../../model/flow/index.ts';

/** False only for a line of protobuf JSON whose flow no filter of the white list can match. */
export type TextHint = (line: string) => boolean;

/**
 * Tells from its text that a recorded flow cannot match, which costs a tenth of reading it: a pod name, a verdict or a path that is asked for
 * must stand in the line. Undefined when the filters ask for nothing that must. The line may be read as Latin-1.
 */
export function compileTextHint(whitelist: readonly FlowFilter[]): TextHint | undefined {
  const filters = whitelist.map(needsOf);
  const [first, ...others] = filters;
  if (!first || filters.some((needs) => needs.size === 0)) return undefined;
  // Flags without direction make two filters that share most of what they need.
  const common = [...first].filter(([key]) => others.every((needs) => needs.has(key)));
  const shared = common.map(([, need]) => need);
  const own = filters.map((needs) => [...needs].filter(([key]) => !common.some(([one]) => one === key)));
  const alternatives = own.map((needs) => needs.map(([, need]) => need));
  const mayMatch: TextHint = (line) =>
    shared.every((need) => need(line)) && alternatives.some((needs) => needs.every((need) => need(line)));
  return (line) => mayMatch(line) || !line.includes('"flow"') || isSpelledOtherwise(line);
}

/** What must be in the text of a flow that the filter matches, under a key that says the same; the rarest first. */
function needsOf(filter: FlowFilter): ReadonlyMap<string, TextHint> {
  const needs = new Map<string, TextHint>();
  const verdicts = (filter.verdict ?? []).map((verdict) => enumName('flow.Verdict', verdict));
  const texts = verdicts.filter((name) => name !== undefined && name !== unknownVerdict);
  if (texts.length > 0 && texts.length === verdicts.length) {
    const hasName = anyOf(texts as string[]);
    needs.set(`verdict ${texts.join(' ')}`, (line) => hasName(line) || verdictNumber.test(line));
  }
  addAny(needs, filter.http_path?.map(patternText));
  addAny(needs, filter.http_url?.map(patternText));
  for (const pods of [filter.source_pod, filter.destination_pod]) addAny(needs, pods?.map(podText));
  return needs;
}

/** A flow without a verdict has this one. */
const unknownVerdict = 'VERDICT_UNKNOWN';
/** Protobuf JSON may hold an enum's number instead of its name. */
const verdictNumber = /"verdict"\s*:\s*\d/;

/** Any of several texts; one that is not known makes the field say nothing. */
function addAny(needs: Map<string, TextHint>, texts: readonly (string | undefined)[] | undefined): void {
  const known = (texts ?? []).filter((text) => text !== undefined);
  if (known.length > 0 && known.length === texts?.length) needs.set(`text ${known.join(' ')}`, anyOf(known));
}

function anyOf(texts: readonly string[]): TextHint {
  const [only = ''] = texts;
  return texts.length === 1 ? (line) => line.includes(only) : (line) => texts.some((text) => line.includes(text));
}

/** Characters that neither JSON nor a regular expression gives a meaning, all of ASCII. */
const plain = /^[\w/-]+$/;

/** `[namespace/][prefix]` of a pod: the prefix must be there, or else the namespace. */
function podText(filter: string): string | undefined {
  const slash = filter.indexOf('/');
  const text = filter.slice(slash + 1) || filter.slice(0, Math.max(0, slash));
  return plain.test(text) ? text : undefined;
}

/**
 * The longest text that whatever an expression (RE2) matches must hold; undefined when there is none to be sure of. Looked for outside of
 * groups and classes alone, and not at all where there are alternatives or flags at that level.
 */
function patternText(pattern: string): string | undefined {
  if (pattern.includes('(?') || longEscape.test(pattern)) return undefined;
  const outside = withoutGroups(pattern.replace(/\\./g, '.').replace(/\[\^?\]?[^\]]*\]/g, '.'));
  if (outside === undefined || outside.includes('|')) return undefined;
  // What a quantifier follows need not be there, or not once.
  const texts = outside.replace(/.(?:[*+?]|\{[^}]*\})\??/g, '\n').split(/[^\w/-]+/);
  const longest = texts.reduce((best, text) => (text.length > best.length ? text : best), '');
  return plain.test(longest) ? longest : undefined;
}

/** Escapes that may go on after their letter, as `\x41`, `\pN`, `\Q...`. */
const longEscape = /\\[^dDwWsSbBAz\W]/;

/** The pattern with a dot in the place of each group; undefined when its brackets do not match. */
function withoutGroups(pattern: string): string | undefined {
  let out = '';
  let depth = 0;
  for (const character of pattern) {
    if (character === '(') depth++;
    if (depth === 0) out += character;
    if (character === ')' && depth-- === 1) out += '.';
    if (depth < 0) return undefined;
  }
  return depth === 0 ? out : undefined;
}

/** Escapes other than those of `&`, `<` and `>`, behind which any character may hide. */
const otherEscape = /\\(?!u00(?:26|3[ceCE]))/;

function isSpelledOtherwise(line: string): boolean {
  return line.includes('\\') && otherEscape.test(line);
}
