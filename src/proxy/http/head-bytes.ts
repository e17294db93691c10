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
export function fieldBytes(headers: HeaderMap): number {
  let bytes = 0;
  for (let at = 0; at < headers.size; at++) bytes += headers.nameAt(at).length + headers.valueAt(at).length;
  return bytes;
}
