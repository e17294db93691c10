import type { Framing } from '../../http/head.ts';
import type { HeaderMap } from '../../http/headers.ts';

/** A message whose body becomes another one has no length that is known. */
export function dropLength(headers: HeaderMap, framing: Framing): void {
  headers.remove('content-length');
  framing.contentLength = -1;
  framing.chunked = true;
}
