/** How an authority is changed before anything looks at it; undefined: not at all. */
export interface HostOptions {
  /** `matching`: a port that is the one the client connected to. */
  readonly stripPort: 'none' | 'matching' | 'any';
  readonly stripTrailingDot: boolean;
}

/** Envoy's `maybeNormalizeHost`: the trailing dot first, then the port, without which CONNECT would say nothing. */
export function shapeHost(authority: string, method: string, localPort: number, options: HostOptions): string {
  const host = options.stripTrailingDot ? withoutTrailingDot(authority) : authority;
  if (options.stripPort === 'none' || method === 'CONNECT') return host;
  const at = portStart(host);
  if (at < 0) return host;
  const port = portNumber(host, at + 1);
  if (port === undefined || (options.stripPort === 'matching' && port !== localPort)) return host;
  return host.slice(0, at);
}

function withoutTrailingDot(host: string): string {
  const dot = host.lastIndexOf('.');
  if (dot < 0) return host;
  if (dot === host.length - 1) return host.slice(0, dot);
  return host[dot + 1] === ':' ? host.slice(0, dot) + host.slice(dot + 1) : host;
}

/** Position of the colon before a port; -1 when there is none. The colons inside brackets are an address's own. */
function portStart(host: string): number {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? colon : -1;
}

/** The number that the rest of the text is; Envoy takes any that fits 32 bits. */
function portNumber(text: string, from: number): number | undefined {
  if (from === text.length) return undefined;
  let value = 0;
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > 0xffffffff) return undefined;
  }
  return value;
}
