import { formatHostPort } from '../config/address.ts';

/** Why an upstream request ended without a response, in Envoy's words. */
export type ResetReason =
  | 'local connection failure'
  | 'remote connection failure'
  | 'connection timeout'
  | 'connection termination'
  | 'local reset'
  | 'remote reset'
  | 'remote refused stream reset'
  | 'remote error with CONNECT request'
  | 'overflow'
  | 'protocol error';

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EADDRINUSE: 'Address already in use',
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  EINVAL: 'Invalid argument',
  EAFNOSUPPORT: 'Address family not supported by protocol',
};

/** What the kernel says of a connect before anyone was asked. */
const IMMEDIATE = new Set(['EADDRNOTAVAIL', 'EACCES', 'EPERM', 'EINVAL', 'ENETUNREACH', 'EAFNOSUPPORT']);

/** Envoy's transport failure reason of a connect that failed. */
export function connectFailure(error: unknown): string {
  const text = errnoText(error);
  if (!IMMEDIATE.has(codeOf(error))) return `delayed connect error: ${text}`;
  // Node names the address in its errors.
  const { address = '', port = 0 } = error as { readonly address?: string; readonly port?: number };
  return `immediate connect error: ${text}|remote address:${formatHostPort(address, port)}`;
}

/** The C library's text of an error that Node names by code. */
export function errnoText(error: unknown): string {
  const code = codeOf(error);
  return ERRNO_TEXTS[code] ?? (code || String(error));
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
