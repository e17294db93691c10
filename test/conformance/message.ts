/** A complete HTTP/1.1 message cut out of text. */
export interface Message {
  /** Without the empty line. */
  readonly head: string;
  /** As framed: chunked bodies keep their chunk lines. */
  readonly body: string;
  readonly rest: string;
}

/** Position of the empty line, -1 when the head is not complete. */
export function headEnd(text: string): number {
  return text.indexOf('\r\n\r\n');
}

/** Cuts the first complete message off; undefined when bytes are missing. `bodyless`: the response to HEAD or a CONNECT that succeeded. */
export function takeMessage(
  text: string,
  kind: 'request' | 'response',
  bodyless = false,
  ended = false,
): Message | undefined {
  const end = headEnd(text);
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const from = end + 4;
  const status = kind === 'response' ? Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0) : 0;
  const empty = (kind === 'response' && (status < 200 || status === 204 || status === 304)) || bodyless;
  if (empty) return { head, body: '', rest: text.slice(from) };
  if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(head)) {
    const stop = chunkedEnd(text, from);
    return stop < 0 ? undefined : { head, body: text.slice(from, stop), rest: text.slice(stop) };
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) {
    if (kind === 'request') return { head, body: '', rest: text.slice(from) };
    return ended ? { head, body: text.slice(from), rest: '' } : undefined;
  }
  const stop = from + Number(length);
  return text.length < stop ? undefined : { head, body: text.slice(from, stop), rest: text.slice(stop) };
}

/** Position after the last chunk and trailers, -1 when bytes are missing or broken. */
function chunkedEnd(text: string, from: number): number {
  for (let at = from; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return -1;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) return -1;
    if (size === 0) {
      if (text.startsWith('\r\n', line + 2)) return line + 4;
      const end = text.indexOf('\r\n\r\n', line + 2);
      return end < 0 ? -1 : end + 4;
    }
    at = line + 2 + size + 2;
    if (at > text.length) return -1;
  }
}
