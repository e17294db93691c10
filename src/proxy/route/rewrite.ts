import type { Fields } from '../config/fields.ts';
import { compileFormat, type Formatter } from '../format/substitution.ts';
import { isHeaderValue, isTarget } from '../http/bytes.ts';
import type { RequestHead } from '../http/head.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { Regex } from '../match/regex.ts';
import { readRegex } from '../match/strings.ts';
import { type PathMatch, pathEnd } from './path-match.ts';
import { readTemplateRewrite, rewriteTemplate } from './uri-template.ts';

export interface RegexRewrite {
  readonly regex: Regex;
  readonly substitution: string;
}

/** Makes a new path of the old one, both without query; empty: it stays as it is. */
export type PathRewrite = (path: string, info: StreamInfo) => string;

export type HostRewrite =
  | { readonly kind: 'literal'; readonly value: string }
  | { readonly kind: 'header'; readonly value: string }
  /** The hostname of the chosen endpoint. */
  | { readonly kind: 'auto' }
  | { readonly kind: 'path'; readonly rewrite: RegexRewrite }
  | { readonly kind: 'format'; readonly format: Formatter };

/** Reads an `envoy.type.matcher.v3.RegexMatchAndSubstitute`. */
export function readRegexRewrite(fields: Fields): RegexRewrite | undefined {
  const regex = fields.message('pattern', readRegex);
  const substitution = Buffer.from(fields.text('substitution'), 'utf8').toString('latin1');
  if (regex) return { regex, substitution };
  if (!fields.has('pattern')) fields.problem('pattern', 'value is required');
  return undefined;
}

/** Reads the path rewriting of a `RouteAction`, of which there may be one. */
export function readPathRewrite(fields: Fields, matched: PathMatch): PathRewrite | undefined {
  const made: PathRewrite[] = [];
  const prefix = fields.text('prefix_rewrite');
  if (prefix !== '') {
    if (matched.kind === 'template')
      fields.problem('prefix_rewrite', 'Cannot use prefix_rewrite with matcher extension');
    made.push(prefixRewrite(readTarget(fields, 'prefix_rewrite', prefix), matched));
  }
  const regex = fields.message('regex_rewrite', readRegexRewrite);
  if (regex) made.push((path) => regex.regex.replaceAll(path, regex.substitution));
  const template = fields.message('path_rewrite_policy', (inner) => readTemplateRewrite(inner, matched.template));
  if (template && matched.template) {
    const { template: match } = matched;
    made.push((path) => rewriteTemplate(template, match, path));
  }
  const format = readPathFormat(fields, 'Failed to create path rewrite formatter: INVALID_ARGUMENT: ');
  if (format) made.push((_, info) => format(info));
  if (made.length > 1) fields.problem('', 'Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy');
  return made[0];
}

/** A field that becomes part of a request target. */
function readTarget(fields: Fields, key: string, text: string): string {
  if (!isTarget(text)) fields.problem(key, `found ${JSON.stringify(text)}`, 'visible ASCII, as in a request target');
  return text;
}

/** `path_rewrite`: absent values are left out. */
export function readPathFormat(fields: Fields, fault: string): Formatter | undefined {
  const text = fields.text('path_rewrite');
  return text === '' ? undefined : readFormat(fields, 'path_rewrite', text, '', fault);
}

function readFormat(fields: Fields, key: string, text: string, absent: string, fault: string): Formatter | undefined {
  const compiled = compileFormat(Buffer.from(text, 'utf8').toString('latin1'), absent);
  if (compiled.ok) return compiled.value;
  fields.problem(key, `${fault}${compiled.error}`);
  return undefined;
}

/** Replaces what the route matched; what is no text stands for the whole path. */
export function prefixRewrite(replacement: string, matched: PathMatch): PathRewrite {
  const { kind, text } = matched;
  if (kind === 'prefix' || kind === 'path' || kind === 'path_separated_prefix') {
    const { length } = text;
    return (path) => replacement + path.slice(length);
  }
  return () => replacement;
}

/** Gives the request its new path. `keepOriginal`: the old one goes into `x-envoy-original-path`. */
export function rewritePath(rewrite: PathRewrite, head: RequestHead, info: StreamInfo, keepOriginal: boolean): void {
  const full = head.path;
  const end = pathEnd(full);
  const path = end === full.length ? full : full.slice(0, end);
  const made = rewrite(path, info);
  if (made === '') return;
  if (keepOriginal) {
    info.originalPath = full;
    head.headers.set('x-envoy-original-path', full);
  }
  if (isTarget(made)) head.path = path === full ? made : made + full.slice(end);
  else if (info.invalidHeader === '') info.invalidHeader = ':path';
}

/** Reads `host_rewrite_specifier` of a `RouteAction`. */
export function readHostRewrite(fields: Fields): HostRewrite | undefined {
  const literal = fields.text('host_rewrite_literal');
  if (literal !== '') return { kind: 'literal', value: literal };
  const header = fields.text('host_rewrite_header');
  if (header !== '') return { kind: 'header', value: header.toLowerCase() };
  const rewrite = fields.message('host_rewrite_path_regex', readRegexRewrite);
  if (rewrite) return { kind: 'path', rewrite };
  const text = fields.text('host_rewrite');
  if (text !== '') {
    const format = readFormat(
      fields,
      'host_rewrite',
      text,
      '-',
      'Failed to create host rewrite formatter: INVALID_ARGUMENT: ',
    );
    return format && { kind: 'format', format };
  }
  return fields.flag('auto_host_rewrite') ? { kind: 'auto' } : undefined;
}

/** Gives the request its new host; `auto` is left to the choice of the endpoint. `keepOriginal`: see `setAuthority`. */
export function rewriteHost(
  rewrite: HostRewrite,
  head: RequestHead,
  info: StreamInfo,
  options: { readonly appendForwarded: boolean; readonly keepOriginal: boolean },
): void {
  const host = rewrittenHost(rewrite, head, info);
  if (host === undefined || host === '') return;
  if (isHeaderValue(host)) setAuthority(head, host, options);
  else if (info.invalidHeader === '') info.invalidHeader = ':authority';
}

/**
 * Replaces the host. `keepOriginal`: the old one goes into `x-envoy-original-host`; `appendForwarded`: it is added to
 * `x-forwarded-host`, unless it is already the last one there.
 */
export function setAuthority(
  head: RequestHead,
  host: string,
  { appendForwarded, keepOriginal }: { readonly appendForwarded: boolean; readonly keepOriginal: boolean },
): void {
  const { headers, authority } = head;
  if (keepOriginal) headers.set('x-envoy-original-host', authority);
  if (appendForwarded && authority !== '') {
    const before = headers.joined('x-forwarded-host') ?? '';
    if (before === '') headers.set('x-forwarded-host', authority);
    else if (before.slice(before.lastIndexOf(',') + 1) !== authority)
      headers.set('x-forwarded-host', `${before},${authority}`);
  }
  head.authority = host;
}

function rewrittenHost(rewrite: HostRewrite, head: RequestHead, info: StreamInfo): string | undefined {
  switch (rewrite.kind) {
    case 'literal':
      return rewrite.value;
    case 'header':
      return info.requestHeader(rewrite.value);
    case 'path': {
      const path = head.path.slice(0, pathEnd(head.path));
      return rewrite.rewrite.regex.replaceAll(path, rewrite.rewrite.substitution);
    }
    case 'format':
      return rewrite.format(info);
    case 'auto':
      return undefined;
  }
}
