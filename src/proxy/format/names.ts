import type { Host } from '../cluster/host.ts';
import { portStart } from '../route/redirect.ts';

/** Its name, or its address where it has none. */
export const hostNameOf = (host: Host): string => host.hostname || host.name;

export function withoutPort(name: string): string {
  const colon = portStart(name);
  return colon < 0 ? name : name.slice(0, colon);
}
