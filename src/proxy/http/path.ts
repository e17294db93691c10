/** `path_with_escaped_slashes_action`; Envoy's default is `KEEP_UNCHANGED`. */
export type EscapedSlashes = 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';

export interface PathOptions {
  readonly normalize: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: EscapedSlashes;
}

/** `changed`: to be forwarded as `path`. `redirect`: to be answered with `path` as location. */
export interface PathResult {
  readonly action: 'continue' | 'reject' | 'redirect';
  readonly path: string;
}

/**
 * Brings a request path (with its query, which stays as it is) into shape in Envoy's order: escaped slashes, RFC 3986 normalisation,
 * repeated slashes. A rejected request keeps what was done up to then: its access log shows it.
 */
export function shapePath(full: string, options: PathOptions): PathResult {
  const end = full.indexOf('?');
  const query = end < 0 ? '' : full.slice(end);
  let path = end < 0 ? full : full.slice(0, end);
  let redirect = false;
  if (options.escapedSlashes !== 'KEEP_UNCHANGED') {
    const unescaped = unescapeSlashes(path);
    if (unescaped !== path) {
      path = unescaped;
      if (options.escapedSlashes === 'REJECT_REQUEST') return { action: 'reject', path: path + query };
      redirect = options.escapedSlashes === 'UNESCAPE_AND_REDIRECT';
    }
  }
  if (options.normalize && needsNormalizing(path)) {
    const normal = normalize(path);
    if (normal === undefined) return { action: 'reject', path: path + query };
    path = normal;
  }
  if (options.mergeSlashes && path.includes('//')) path = mergeSlashes(path);
  return { action: redirect ? 'redirect' : 'continue', path: path + query };
}

function unescapeSlashes(path: string): string {
  return path.includes('%') ? path.replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '\\') : path;
}

/** A path of slashes only becomes `//`, as Envoy's joining of non-empty segments has it. */
function mergeSlashes(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  return `${path.startsWith('/') ? '/' : ''}${segments.join('/')}${path.endsWith('/') ? '/' : ''}`;
}

/** Path characters of Chromium's URL canonicalizer, which Envoy uses. */
const PASS = 0;
const ESCAPE = 1;
/** Written as itself also when it comes as a percent triplet. */
const UNESCAPE = 2;
const SPECIAL = 3;
const INVALID = 4;
const CHARS = charTable();

function charTable(): Uint8Array {
  const table = new Uint8Array(256).fill(ESCAPE);
  for (const char of "!$&'()*+,:;=@[]") table[char.charCodeAt(0)] = PASS;
  for (const char of '-_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz') {
    table[char.charCodeAt(0)] = UNESCAPE;
  }
  for (const char of '.%\\') table[char.charCodeAt(0)] = SPECIAL;
  table[0x2f] = PASS;
  table[0] = INVALID;
  return table;
}

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;

/** Whether anything but plain characters stands in it, or a dot that begins a segment. */
function needsNormalizing(path: string): boolean {
  let before = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code === DOT ? before === SLASH : code !== SLASH && CHARS[code] !== PASS && CHARS[code] !== UNESCAPE) {
      return true;
    }
    before = code;
  }
  return false;
}

/** Undefined for a path with an escaped NUL. */
function normalize(path: string): string | undefined {
  return new Canonicalizer(dropDotParameters(path)).run();
}

/** `/.;x/` and `/..;x/` are read as `/./` and `/../`, for backends that cut path parameters off. */
function dropDotParameters(path: string): string {
  if (!path.includes('.;')) return path;
  return path
    .split('/')
    .map((segment) => (segment.startsWith('.;') ? '.' : segment.startsWith('..;') ? '..' : segment))
    .join('/');
}

/** Resolves dot segments, turns backslashes into slashes, escapes and unescapes, in one pass over the path. */
class Canonicalizer {
  readonly #spec: string;
  #out = '';
  /** Where in the output a `%` stands that began no triplet; what follows must not make it one. */
  #invalidPercent = Number.NEGATIVE_INFINITY;

  constructor(spec: string) {
    this.#spec = spec;
  }

  run(): string | undefined {
    const spec = this.#spec;
    for (let at = 0; at < spec.length; ) {
      const code = spec.charCodeAt(at);
      const kind = CHARS[code] ?? ESCAPE;
      const dot = this.#dotLength(at);
      if (dot > 0) at = this.#dot(at, dot);
      else if (code === PERCENT) {
        const value = triplet(spec, at);
        if (value < 0) {
          this.#invalidPercent = this.#out.length;
          this.#out += '%';
          at++;
        } else {
          if (CHARS[value] === INVALID) return undefined;
          this.#triplet(at, value);
          at += 3;
        }
      } else {
        this.#out += kind === ESCAPE ? escaped(code) : code === 0x5c ? '/' : String.fromCharCode(code);
        at++;
      }
    }
    return this.#out;
  }

  /** Length of `.` or `%2e` at this place, or 0. */
  #dotLength(at: number): number {
    const code = this.#spec.charCodeAt(at);
    if (code === DOT) return 1;
    return code === PERCENT && triplet(this.#spec, at) === DOT ? 3 : 0;
  }

  /** Position after a dot, or after the dot segment that it begins. */
  #dot(at: number, length: number): number {
    const spec = this.#spec;
    const after = at + length;
    if (!this.#out.endsWith('/')) {
      this.#out += '.';
      return after;
    }
    if (after === spec.length) return after;
    if (isSlash(spec, after)) return after + 1;
    const second = this.#dotLength(after);
    const behind = after + second;
    if (second > 0 && (behind === spec.length || isSlash(spec, behind))) {
      this.#up();
      return Math.min(behind + 1, spec.length);
    }
    this.#out += '.';
    return after;
  }

  #up(): void {
    const end = this.#out.length - 1;
    if (end > 0) this.#out = this.#out.slice(0, this.#out.lastIndexOf('/', end - 1) + 1);
    if (this.#invalidPercent >= this.#out.length) this.#invalidPercent = Number.NEGATIVE_INFINITY;
  }

  #triplet(at: number, value: number): void {
    if (CHARS[value] !== UNESCAPE) {
      this.#out += this.#spec.slice(at, at + 3);
      return;
    }
    this.#out += String.fromCharCode(value);
    if (this.#invalidPercent >= this.#out.length - 3) this.#guardNested(at + 3);
  }

  /** What was unescaped must not complete an earlier lone `%` to a triplet: then that `%` is escaped. */
  #guardNested(next: number): void {
    const out = this.#out;
    const percent = this.#invalidPercent;
    const appendNext = percent === out.length - 2;
    if (appendNext && next >= this.#spec.length) return;
    const candidate = appendNext ? out + this.#spec[next] : out;
    if (triplet(candidate, percent) < 0) return;
    const last = out.at(-1) ?? '';
    const first = appendNext ? '' : (out[percent + 1] ?? '');
    this.#out = appendNext ? `${out.slice(0, percent)}%25${last}` : `${out.slice(0, percent)}%25${first}${last}`;
  }
}

function isSlash(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === SLASH || code === 0x5c;
}

function escaped(code: number): string {
  return `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Value of the percent triplet at this place, -1 when there is none. */
function triplet(text: string, at: number): number {
  if (text.charCodeAt(at) !== PERCENT) return -1;
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
