import { assert, compileRe2, fail, ok, type Re2, type Result } from '../../base/index.ts';

/** A compiled RE2 expression. `matches` is a full match, as everywhere in Envoy's configuration. */
export interface Regex {
  matches(text: string): boolean;
  /** RE2 GlobalReplace; `\0` to `\9` in the substitution are groups. */
  replaceAll(text: string, substitution: string): string;
}

/**
 * Compiles an RE2 expression, or says why it is none. Expressions that are only literal text and `.*` become string operations.
 * The RE2 engine is loaded when the first other expression comes.
 */
export function compileRegex(source: string): Result<Regex, string> {
  const simple = simplePattern(source);
  if (simple) return ok(simpleRegex(source, simple));
  const compiled = compileRe2(source);
  if (!compiled.ok) return fail(`invalid RE2 expression ${JSON.stringify(source)}: ${compiled.error}`);
  return ok(engineRegex(compiled.value));
}

function engineRegex(pattern: Re2): Regex {
  return {
    matches: (text) => pattern.matches(text),
    replaceAll: (text, substitution) => globalReplace(pattern, text, substitution),
  };
}

function globalReplace(pattern: Re2, text: string, substitution: string): string {
  const matcher = pattern.matcher(text);
  let out = '';
  let at = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    if (start === end && start === lastEnd) continue;
    out += text.slice(at, start) + expand(substitution, (group) => matcher.group(group) ?? '', matcher.groupCount());
    at = end;
    lastEnd = end;
  }
  return out + text.slice(at);
}

function expand(substitution: string, group: (index: number) => string, count: number): string {
  if (!substitution.includes('\\')) return substitution;
  return substitution.replace(/\\(\d|\\)/g, (_, what: string) => {
    if (what === '\\') return '\\';
    return Number(what) <= count ? group(Number(what)) : '';
  });
}

interface SimplePattern {
  readonly literal: string;
  readonly openStart: boolean;
  readonly openEnd: boolean;
  /** Whether a search is anchored at the start. */
  readonly anchored: boolean;
}

/** `^?(.*)?literal(.*)?$?` taken apart; undefined for anything else. */
function simplePattern(source: string): SimplePattern | undefined {
  const anchored = source.startsWith('^');
  let body = anchored ? source.slice(1) : source;
  const closed = body.endsWith('$') && !body.endsWith('\\$');
  if (closed) body = body.slice(0, -1);
  const openStart = body.startsWith('.*');
  if (openStart) body = body.slice(2);
  const openEnd = body.endsWith('.*') && !body.endsWith('\\.*');
  if (openEnd) body = body.slice(0, -2);
  const literal = literalText(body);
  return literal === undefined ? undefined : { literal, openStart, openEnd, anchored };
}

function literalText(body: string): string | undefined {
  let out = '';
  for (let at = 0; at < body.length; at++) {
    const char = body[at] as string;
    if (char === '\\') {
      const next = body[++at];
      if (next === undefined || !/[\\^$.|?*+()[\]{}/\-_:]/.test(next)) return undefined;
      out += next;
    } else if ('^$.|?*+()[]{}'.includes(char)) return undefined;
    else out += char;
  }
  return out;
}

/** `.` does not match a line feed; values with one never pass the codec, but a matcher must not depend on that. */
function simpleRegex(source: string, { literal, openStart, openEnd, anchored }: SimplePattern): Regex {
  let regex: Regex | undefined;
  const full = (): Regex => {
    if (regex) return regex;
    const compiled = compileRe2(source);
    assert(compiled.ok, `${source} is literal text and no RE2 expression`);
    regex = engineRegex(compiled.value);
    return regex;
  };
  const matches = (text: string): boolean => {
    if ((openStart || openEnd) && text.includes('\n')) return full().matches(text);
    if (openStart) return openEnd ? text.includes(literal) : text.endsWith(literal);
    return openEnd ? text.startsWith(literal) : text === literal;
  };
  const wholeWhenFound = anchored && openEnd && !openStart;
  return {
    matches,
    replaceAll: (text, substitution) => {
      if (!wholeWhenFound || substitution.includes('\\') || text.includes('\n')) {
        return full().replaceAll(text, substitution);
      }
      return text.startsWith(literal) ? substitution : text;
    },
  };
}
