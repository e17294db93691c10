import type { Behaviour, Case, Json } from './types.ts';

/** Short words for raw HTTP/1.1 cases. */

/** Refused requests are closed at once, so that hundreds of them do not wait; `http1-connection.ts` looks at the delay itself. */
export const quickClose: Json = { delayed_close_timeout: '0.02s' };

type More = Partial<Case>;

/** One raw request on a connection of its own. */
export const raw = (name: string, text: string, more: More = {}): Case => ({ name, requests: [text], ...more });

/** A request line with a `Host`. */
export const line = (name: string, text: string, more: More = {}): Case =>
  raw(name, `${text}\r\nHost: a\r\n\r\n`, more);

/** A GET with further fields; each of `fields` is a line. */
export const get = (name: string, fields: readonly string[], more: More = {}): Case =>
  raw(name, `GET / HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`, more);

/** A POST with further fields and whatever follows the head. */
export const post = (name: string, fields: readonly string[], rest: string, more: More = {}): Case =>
  raw(name, `POST / HTTP/1.1\r\nHost: a\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n${rest}`, more);

/** A GET that the backend answers with these bytes. */
export const answered = (
  name: string,
  reply: string,
  more: More & { afterwards?: 'close' | 'reset'; method?: string } = {},
): Case => {
  const { afterwards, method = 'GET', ...rest } = more;
  const behaviour: Behaviour = { raw: reply, ...(afterwards ? { afterwards } : {}) };
  return {
    name,
    requests: [`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`],
    methods: [method],
    backends: { 0: [behaviour] },
    ...rest,
  };
};

/** What ours refuses although Envoy takes it, by the name of the difference. */
export const strict = {
  line: { difference: 'http1-bare-cr-or-lf' },
  fold: { difference: 'http1-folded-field' },
  chunk: { difference: 'http1-chunk-syntax' },
  status: { difference: 'http1-status-below-100' },
  host: { difference: 'http1-host' },
} as const;
