/** A name and, where it has one, its port. */
export interface HostPort {
  readonly host: string;
  readonly port: number | undefined;
}

/** Reads `name:port`, `[v6]:port`, or either without a port, as Envoy's `parseAuthority` does. */
export function splitHostPort(text: string): HostPort {
  const colon = text.lastIndexOf(':');
  const bracket = text.lastIndexOf(']');
  const end = colon > bracket ? colon : -1;
  // More than one colon without brackets is an IPv6 address.
  const bare = bracket < 0 && text.indexOf(':') !== colon;
  const digits = end >= 0 && !bare ? text.slice(end + 1) : '';
  const port = /^\d{1,5}$/.test(digits) && Number(digits) <= 65_535 ? Number(digits) : undefined;
  const host = port === undefined ? text : text.slice(0, end);
  return { host: host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host, port };
}

/** What a host is known by: its name with its port, which is the default one where it has none. */
export function hostKey(name: string, defaultPort: number): string {
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf(']') ? name : `${name}:${defaultPort}`;
}
