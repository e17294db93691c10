import { compileRe2, fail, ok, type Re2, type Result } from '../../base/index.ts';
import { type Fields, typeName } from '../config/fields.ts';

const MATCH = 'envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';
const REWRITE = 'envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig';

const MAX_VARIABLES = 5;
const MAX_NAME = 16;
/** What stands in a path segment; `*` of a template takes the same. */
const SEGMENT = "a-zA-Z0-9\\-._~%!$&'()+,;:@*=";
const LITERAL = new RegExp(`^[${SEGMENT}]+$`);
const REWRITE_LITERAL = new RegExp(`^[${SEGMENT}/]+$`);
const NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

/** A compiled path template such as `/videos/{lang=*}/**`. */
export interface UriTemplate {
  readonly text: string;
  readonly variables: readonly string[];
  matches(path: string): boolean;
  /** Values of the variables, or undefined where the path does not match. */
  capture(path: string): readonly string[] | undefined;
}

/** Makes a path of the variables' values. */
export interface TemplateRewrite {
  readonly text: string;
  /** Literal text, or the index of a variable. */
  readonly parts: readonly (string | number)[];
}

/** Reads a `path_match_policy`, which is an `envoy.config.core.v3.TypedExtensionConfig`. */
export function readTemplateMatch(fields: Fields): UriTemplate | undefined {
  return readExtension(fields, MATCH, (config) => {
    const text = config.required('path_template');
    const template = compileTemplate(text);
    if (template.ok) return template.value;
    config.problem('', `path_match_policy.path_template ${text} is invalid: ${template.error}`);
    return undefined;
  });
}

/** Reads a `path_rewrite_policy` for the template that the route matches with. */
export function readTemplateRewrite(fields: Fields, template: UriTemplate | undefined): TemplateRewrite | undefined {
  return readExtension(fields, REWRITE, (config) => {
    const text = config.required('path_template_rewrite');
    if (!template) {
      config.problem(
        '',
        'unable to use envoy.path.rewrite.uri_template.uri_template_rewriter extension without envoy.path.match.uri_template.uri_template_matcher extension',
      );
      return undefined;
    }
    const parts = parseRewrite(text);
    if (!parts) {
      config.problem('', `path_rewrite_policy.path_template_rewrite ${text} is invalid`);
      return undefined;
    }
    const indexed = parts.map((part) => (typeof part === 'string' ? part : template.variables.indexOf(part.variable)));
    if (!indexed.includes(-1)) return { text, parts: indexed };
    config.problem(
      '',
      `mismatch between variables in path_match_policy ${template.text} and path_rewrite_policy ${text}`,
    );
    return undefined;
  });
}

function readExtension<T>(fields: Fields, type: string, read: (config: Fields) => T | undefined): T | undefined {
  fields.ignore('name');
  if (!fields.has('typed_config')) fields.problem('typed_config', 'value is required', type);
  return fields.message('typed_config', (config) => {
    const found = typeName(config.json);
    if (found === type) return read(config);
    config.ignore(...Object.keys(config.json));
    config.problem('@type', `${JSON.stringify(found)} is not supported by ciliate-proxy`, type);
    return undefined;
  });
}

export function rewriteTemplate(rewrite: TemplateRewrite, template: UriTemplate, path: string): string {
  const values = template.capture(path);
  if (!values) return '';
  return rewrite.parts.map((part) => (typeof part === 'string' ? part : values[part])).join('');
}

/** Compiles a template, or says what is wrong with it in Envoy's words. */
function compileTemplate(text: string): Result<UriTemplate, string> {
  if (!/^\/[\x21-\x7e]*$/.test(text)) return fail(`Invalid pattern: ${JSON.stringify(text)}`);
  const parsed = new TemplateParser(text).parse();
  if (!parsed.ok) return parsed;
  const { regex, variables } = parsed.value;
  const compiled = compileRe2(regex);
  // Envoy takes a template such as `/***`, whose expression is none, and then matches nothing.
  const pattern: Re2 | undefined = compiled.ok ? compiled.value : undefined;
  return ok({
    text,
    variables,
    matches: (path) => pattern?.matches(path) ?? false,
    capture: (path) => {
      const matcher = pattern?.matcher(path);
      if (!matcher?.matches()) return undefined;
      return variables.map((_, index) => matcher.group(index + 1) ?? '');
    },
  });
}

class TemplateFault extends Error {}

/** Turns a template into an RE2 expression with one group for each variable. */
class TemplateParser {
  readonly #segments: readonly string[];
  readonly #variables: string[] = [];
  #textGlob = false;

  constructor(text: string) {
    this.#segments = splitSegments(text.slice(1));
  }

  parse(): Result<{ readonly regex: string; readonly variables: readonly string[] }, string> {
    try {
      const list = this.#segments;
      const last = list.length - 1;
      const parts = list.map((segment, index) =>
        segment === '' && index === last ? '' : this.#segment(segment, index === last),
      );
      return ok({ regex: `/${parts.join('/')}`, variables: this.#variables });
    } catch (error) {
      if (error instanceof TemplateFault) return fail(error.message);
      throw error;
    }
  }

  #segment(segment: string, last: boolean): string {
    if (segment.startsWith('*')) return this.#operatorSegment(segment, last);
    const open = segment.indexOf('{');
    if (open < 0) return literal(segment, 'Invalid literal');
    const close = segment.indexOf('}', open);
    if (close < 0) {
      if (open > 0) return literal(segment, 'Invalid literal');
      throw new TemplateFault(`Unmatched variable bracket in mixed pattern: ${JSON.stringify(segment)}`);
    }
    const before = open > 0 ? literal(segment.slice(0, open), 'Invalid literal') : '';
    const variable = this.#variable(segment.slice(open + 1, close));
    const after = segment.slice(close + 1);
    return before + variable + (after === '' ? '' : literal(after, 'Invalid suffix literal'));
  }

  #operatorSegment(segment: string, last: boolean): string {
    const width = segment.startsWith('**') ? 2 : 1;
    const glob = this.#glob(width, 'Glob after text glob.');
    const suffix = segment.slice(width);
    if (suffix === '') return glob;
    const text = literal(suffix, 'Invalid literal');
    if (!last) throw new TemplateFault('Prefix match not supported.');
    return glob + text;
  }

  #glob(width: number, fault: string): string {
    if (this.#textGlob) throw new TemplateFault(fault);
    this.#textGlob = width === 2;
    return width === 2 ? `[${SEGMENT}/]*` : `[${SEGMENT}]+`;
  }

  #variable(text: string): string {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (!NAME.test(name)) throw new TemplateFault(`Invalid variable name: ${JSON.stringify(name)}`);
    this.#declare(name);
    if (equals < 0) return `(${this.#glob(1, 'Implicit variable path glob after text glob.')})`;
    const match = text.slice(equals + 1);
    if (match === '') throw new TemplateFault('Empty variable match');
    return `(${this.#variableMatch(match)})`;
  }

  #declare(name: string): void {
    if (this.#variables.length >= MAX_VARIABLES) {
      throw new TemplateFault(`Exceeded variable count limit (${MAX_VARIABLES})`);
    }
    if (name.length > MAX_NAME) {
      throw new TemplateFault(
        `Invalid variable name length (length of ${JSON.stringify(name)} should be at least 1 and no more than ${MAX_NAME})`,
      );
    }
    if (this.#variables.includes(name)) throw new TemplateFault(`Repeated variable name: ${JSON.stringify(name)}`);
    this.#variables.push(name);
  }

  #variableMatch(match: string): string {
    if (match.endsWith('/') && match !== '/') throw new TemplateFault('Invalid variable match: "/"');
    const parts = match.split('/').map((part) => {
      if (part === '*' || part === '**') return this.#glob(part.length, 'Glob after text glob.');
      return literal(part, 'Invalid literal');
    });
    return parts.join('/');
  }
}

/** Splits at slashes that are not within braces. */
function splitSegments(text: string): readonly string[] {
  const out: string[] = [];
  let from = 0;
  let inside = false;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '{') inside = text.indexOf('}', at) >= 0;
    else if (text[at] === '}') inside = false;
    else if (at === text.length || (text[at] === '/' && !inside)) {
      out.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return out;
}

/** `*` stays what it is in an expression, as in Envoy. */
function literal(text: string, fault: string): string {
  if (!LITERAL.test(text)) throw new TemplateFault(`${fault}: ${JSON.stringify(text)}`);
  return text.replace(/[$()+.]/g, '\\$&');
}

function parseRewrite(text: string): readonly (string | { readonly variable: string })[] | undefined {
  if (!text.startsWith('/') || text.includes('//')) return undefined;
  const parts: (string | { readonly variable: string })[] = [];
  for (let at = 0; at < text.length; ) {
    const open = text.indexOf('{', at);
    const plain = text.slice(at, open < 0 ? text.length : open);
    if (plain !== '' && !REWRITE_LITERAL.test(plain)) return undefined;
    if (plain !== '') parts.push(plain);
    if (open < 0) return parts;
    const close = text.indexOf('}', open);
    const variable = text.slice(open + 1, close);
    if (close < 0 || !NAME.test(variable)) return undefined;
    parts.push({ variable });
    at = close + 1;
  }
  return parts;
}
