/** What a message at the start of a text is: an independent and slow reading by RFC 9112, to the letter. */
export interface Frame {
  /** Characters up to and with the end of the head. */
  readonly head: number;
  readonly payload: string;
  /** The body is complete. */
  readonly done: boolean;
  /** Characters of the message as far as it is there. */
  readonly size: number;
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/;

/** Undefined: no complete head; text: why no reading of it is safe. */
export function frameOf(text: string, kind: 'request' | 'response', withLength: boolean): Frame | string | undefined {
  // HTTP/0.9: the connection manager judges it.
  const bare = kind === 'request' ? /^[^\s\0]+[ \t]+[^\s\0]+[ \t]*\r\n/.exec(text)?.[0].length : undefined;
  if (bare !== undefined) {
    const rest = /^CONNECT[ \t]/.test(text) ? text.slice(bare) : undefined;
    return { head: bare, payload: rest ?? '', done: rest === undefined, size: rest === undefined ? bare : text.length };
  }
  const stop = text.indexOf('\r\n\r\n');
  if (stop < 0) return undefined;
  const [start = '', ...lines] = text.slice(0, stop).split('\r\n');
  if (/[\r\n\0]/.test([start, ...lines].join(''))) return 'a bare CR or LF, or NUL';
  const fields: [string, string][] = [];
  for (const line of lines) {
    const match = FIELD.exec(line);
    if (!match) return `a malformed field ${JSON.stringify(line)}`;
    fields.push([(match[1] ?? '').toLowerCase(), match[2] ?? '']);
  }
  const all = (name: string) => fields.filter((field) => field[0] === name).map((field) => field[1]);
  if (kind === 'request' && all('host').length > 1) return 'several hosts';
  const body = text.slice(stop + 4);
  const sized = bodyOf(start, kind, body, all, withLength);
  return typeof sized === 'string' ? sized : { head: stop + 4, ...sized, size: stop + 4 + sized.size };
}

type Body = Omit<Frame, 'head'>;

function bodyOf(
  start: string,
  kind: 'request' | 'response',
  body: string,
  all: (name: string) => string[],
  withLength: boolean,
): Body | string {
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  const rest: Body = { payload: body, done: false, size: body.length };
  const none: Body = { payload: '', done: true, size: 0 };
  const named = all('connection').join().toLowerCase().split(',');
  const upgrade =
    all('upgrade').join() !== 'h2c' && all('upgrade').length > 0 && named.some((word) => word.trim() === 'upgrade');
  if (codings.length > 0 && withLength) lengths.length = 0;
  if (lengths.length > 1 || lengths.some((length) => !/^\d+$/.test(length))) return 'not one length';
  if (codings.length > 1 || codings.some((coding) => coding.toLowerCase() !== 'chunked')) return 'codings but chunked';
  if (kind === 'response' && isBodiless(start)) return none;
  if (codings.length > 0 && lengths.length > 0) return 'length and coding';
  if (kind === 'request' && (upgrade || /^CONNECT[ \t]/.test(start))) return rest;
  if (codings.length > 0) return chunked(body);
  if (lengths.length === 0) return kind === 'response' ? rest : none;
  const size = Number(lengths[0]);
  return { payload: body.slice(0, size), done: body.length >= size, size: Math.min(size, body.length) };
}

/** Envoy keeps 16 bits of a status, and so do we. */
function isBodiless(start: string): boolean {
  const digits = /^HTTP\/\d\.\d[ \t]+\+?(\d+)\b/.exec(start)?.[1];
  const status = digits === undefined ? 0 : Number(BigInt(digits) & 0xffffn);
  return (status >= 100 && status < 200) || status === 204 || status === 304;
}

function chunked(body: string): Body | string {
  let payload = '';
  let at = 0;
  for (;;) {
    const line = /^([0-9a-f]+)(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n/i.exec(body.slice(at));
    if (!line) return /\n/.test(body.slice(at)) ? 'a broken chunk' : { payload, done: false, size: body.length };
    at += line[0].length;
    const size = Number.parseInt(line[1] ?? '', 16);
    if (size === 0) break;
    payload += body.slice(at, at + size);
    const end = body.slice(at + size, at + size + 2);
    if (end !== '\r\n') return end.length < 2 ? { payload, done: false, size: body.length } : 'no end of a chunk';
    at += size + 2;
  }
  const trailers = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r\n)*\r\n/.exec(body.slice(at));
  if (trailers) return { payload, done: true, size: at + trailers[0].length };
  return body.slice(at).includes('\r\n\r\n') ? 'broken trailers' : { payload, done: false, size: body.length };
}
