import type { RequestHead } from './head.ts';

const MAX_PATH = 256;

/** The URI that the client asked for, its path cut after 256 characters, as challenges name it; empty where the request has no path. */
export function originalUri({ scheme, authority, path, headers }: RequestHead): string {
  if (path === '') return '';
  const asked = headers.get('x-envoy-original-path') ?? path;
  return `${scheme}://${authority}${asked.slice(0, MAX_PATH)}`;
}
