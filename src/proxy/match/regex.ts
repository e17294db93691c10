import { assert, compileRe2, fail, ok, type Re2, type Result } from '../../base/index.ts';

/** A compiled RE2 expression. `matches` is a full match, as everywhere in Envoy's configuration. */
export interface Regex {
  matches(text: string): boolean;
  /** RE2 GlobalReplace; `\0` to `\9` in the substitution are groups. Where it names a group that is not there, nothing is replaced. */
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
    matches: (text) => {
      const decoded = isAscii(text) ? text : decodeUtf8(text);
      return decoded !== undefined && pattern.matches(decoded);
    },
    replaceAll: (text, substitution) => {
      if (isAscii(text)) return globalReplace(pattern, text, substitution);
      const decoded = decodeUtf8(text);
      if (decoded === undefined) return text;
      return Buffer.from(globalReplace(pattern, decoded, substitution), 'utf8').toString('latin1');
    },
  };
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Texts come as latin1 of their bytes and are matched as UTF-8, as RE2 does. Undefined: it is none, and nothing matches it. */
function decodeUtf8(text: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(text, 'latin1'));
  } catch {
    return undefined;
  }
}

function globalReplace(pattern: Re2, text: string, substitution: string): string {
  const parts = parseSubstitution(substitution);
  if (parts.some((part) => typeof part === 'number' && part > pattern.groupCount())) return text;
  const matcher = pattern.matcher(text);
  let out = '';
  let at = 0;
  let lastEnd = -1;
  while (matcher.find()) {
    const start = matcher.start();
    const end = matcher.end();
    if (start === end && start === lastEnd) continue;
    out += text.slice(at, start);
    for (const part of parts) out += typeof part === 'string' ? part : (matcher.group(part) ?? '');
    at = end;
    lastEnd = end;
  }
  return out + text.slice(at);
}

/** Literal text and numbers of groups. As in RE2 an escape of anything but a digit or a backslash ends the substitution. */
function parseSubstitution(substitution: string): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  for (let at = 0; at < substitution.length; at++) {
    const char = substitution[at] as string;
    if (char !== '\\') {
      literal += char;
      continue;
    }
    const next = substitution[++at] ?? '';
    if (next === '\\') literal += next;
    else if (next >= '0' && next <= '9') {
      parts.push(literal, Number(next));
      literal = '';
    } else break;
  }
  parts.push(literal);
  return parts;
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
  // Other than ASCII comes as bytes that only the engine puts together.
  if (literal === undefined || !isAscii(literal)) return undefined;
  return { literal, openStart, openEnd, anchored };
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
    if ((openStart || openEnd) && (text.includes('\n') || !isAscii(text))) return full().matches(text);
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
