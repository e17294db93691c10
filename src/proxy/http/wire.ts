import { takeScratch } from '../transport/scratch.ts';
import type { Transport } from '../transport/transport.ts';
import type { HeaderMap } from './headers.ts';
import { reasonPhrase } from './status.ts';

/** The head of a request to an upstream, HTTP/1.1, `host` first. */
export function requestHeadText(
  method: string,
  path: string,
  authority: string,
  headers: HeaderMap,
  chunked: boolean,
): string {
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${fieldsText(headers)}`;
  return chunked ? `${text}transfer-encoding: chunked\r\n\r\n` : `${text}\r\n`;
}

/** The head of a response. `tail` is per-hop fields, each with its line end. */
export function responseHeadText(status: number, minor: number, headers: HeaderMap, tail: string): string {
  return `HTTP/1.${minor} ${status} ${reasonPhrase(status)}\r\n${fieldsText(headers)}${tail}\r\n`;
}

function fieldsText(headers: HeaderMap): string {
  const { names, values } = headers;
  let text = '';
  for (let at = 0; at < names.length; at++) text += `${names[at]}: ${values[at]}\r\n`;
  return text;
}

/**
 * Sends a head and a piece of body in one write. `bytes` may be reused by the caller at once: it is copied.
 * With `chunked` the piece is one chunk and `end` adds the last one.
 */
export function writeMessage(
  transport: Transport,
  head: string,
  bytes: Buffer | undefined,
  start: number,
  stop: number,
  chunked: boolean,
  end: boolean,
): void {
  const length = stop - start;
  const scratch = takeScratch(head.length + length + 32);
  const out = scratch.bytes;
  let at = head === '' ? 0 : out.write(head, 0, 'latin1');
  if (length > 0 && bytes) {
    if (chunked) at += out.write(`${length.toString(16)}\r\n`, at, 'latin1');
    at += bytes.copy(out, at, start, stop);
    if (chunked) at += out.write('\r\n', at, 'latin1');
  }
  if (chunked && end) at += out.write('0\r\n\r\n', at, 'latin1');
  if (at > 0) transport.send(scratch, at);
}
