import type { Peer } from '../http/stream-info.ts';
import type { Listener } from './listener.ts';

/** The listener for an original destination: of exactly that address, else of its port on any address. */
export function listenerAt(listeners: readonly Listener[], { address, port }: Peer): Listener | undefined {
  const any = address.includes(':') ? '::' : '0.0.0.0';
  const at = (host: string): Listener | undefined =>
    listeners.find(({ config: { addresses } }) =>
      addresses.some((one) => one.kind === 'socket' && one.host === host && one.port === port),
    );
  return at(address) ?? at(any);
}
