import { networkInterfaces } from 'node:os';

let found: string | undefined;

/** The machine's first IPv4 address that is not its loopback, which Envoy takes for its own. */
export function ownAddress(): string {
  found ??= Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  found ??= '127.0.0.1';
  return found;
}
