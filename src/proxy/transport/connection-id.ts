let connections = 0;

/** Ordinal of a connection in this process, to clients and to upstreams alike. */
export function nextConnectionId(): number {
  return ++connections;
}
