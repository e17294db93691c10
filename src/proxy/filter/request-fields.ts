import { isHost } from '../http/authority.ts';
import { isHeaderValue, isToken } from '../http/bytes.ts';
import type { RequestHead } from '../http/head.ts';
import { isMethod } from '../http/request-line.ts';
import { SINGLE_REQUEST_HEADERS } from '../http/single-headers.ts';
import type { StreamInfo } from '../http/stream-info.ts';

/** Changes of a request's head that another server asks for: fields of the request line are named as in HTTP/2. */

/** Gives a field one value, at the end; false: it cannot have it, and nothing was changed. `name` is in lower case. */
export function setRequestField(head: RequestHead, name: string, value: string, info: StreamInfo): boolean {
  switch (name) {
    case 'host':
    case ':authority':
      if (!isHost(value)) return false;
      head.authority = value;
      head.hasAuthority = true;
      return true;
    case ':path':
      head.path = value;
      // What would end or split the request line is refused when the request goes out.
      if (!isSendable(value) && info.invalidHeader === '') info.invalidHeader = name;
      return true;
    case ':method':
      if (!isMethod(value, true)) return false;
      head.method = value;
      return true;
    case ':scheme':
      if (value !== 'http' && value !== 'https') return false;
      head.scheme = value;
      return true;
    default:
      if (!isField(name, value)) return false;
      head.headers.replace(name, value);
      return true;
  }
}

/** Adds a value: a field of its own, or one more in a field that is kept once. */
export function addRequestField(head: RequestHead, name: string, value: string, info: StreamInfo): boolean {
  if (name.startsWith(':') || name === 'host') return setRequestField(head, name, value, info);
  if (!isField(name, value)) return false;
  if (SINGLE_REQUEST_HEADERS.has(name)) head.headers.join(name, value);
  else head.headers.add(name, value);
  return true;
}

/** Adds a value to the first field of that name; nothing happens where there is none. */
export function appendRequestField(head: RequestHead, name: string, value: string, info: StreamInfo): boolean {
  if (name.startsWith(':') || name === 'host') {
    const before = info.requestHeader(name);
    return before === undefined || setRequestField(head, name, `${before},${value}`, info);
  }
  if (!isField(name, value)) return false;
  if (head.headers.has(name)) head.headers.append(name, value);
  return true;
}

/** Whether it may stand in a head, under a name in lower case. */
export function isField(name: string, value: string): boolean {
  return isToken(name) && isHeaderValue(value);
}

/** Visible ASCII, from a slash on. */
function isSendable(path: string): boolean {
  return /^[/*][\x21-\x7e]*$/.test(path);
}

/** Text as a header holds it: the bytes of its UTF-8. */
export function headerText(text: string): string {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1');
  }
  return text;
}
