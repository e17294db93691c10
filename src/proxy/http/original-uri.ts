import type { RequestHead } from './head.ts';

/** The URI that the client asked for, its path cut after so many characters, as challenges and traces name it; empty where the request has no path. */
export function originalUri({ scheme, authority, path, headers }: RequestHead, maxPath = 256): string {
  if (path === '') return '';
  const asked = headers.get('x-envoy-original-path') ?? path;
  return `${scheme}://${authority}${asked.slice(0, maxPath)}`;
}
