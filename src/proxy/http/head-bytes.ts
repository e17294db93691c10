import type { RequestHead, ResponseHead } from './head.ts';
import type { HeaderMap } from './headers.ts';

/** Bytes of all names and values, pseudo headers included, as Envoy's header maps count them. */
export function requestHeadBytes({ method, path, authority, scheme, headers }: RequestHead): number {
  let bytes = fieldBytes(headers) + ':method'.length + method.length + ':scheme'.length + scheme.length;
  if (path !== '') bytes += ':path'.length + path.length;
  if (authority !== '') bytes += ':authority'.length + authority.length;
  return bytes;
}

export function responseHeadBytes({ headers, framing }: ResponseHead): number {
  return ':status200'.length + (framing.close ? 'connectionclose'.length : 0) + fieldBytes(headers);
}

/** Bytes of all names and values. */
export function fieldBytes({ names, values }: HeaderMap): number {
  let bytes = 0;
  for (let at = 0; at < names.length; at++) bytes += (names[at] as string).length + (values[at] as string).length;
  return bytes;
}
