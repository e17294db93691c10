import type { Address } from '../config/address.ts';
import type { Fields } from '../config/fields.ts';

/** `envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig`. */
export interface HappyEyeballs {
  /** The family that is tried first; `DEFAULT`: that of the first address. */
  readonly first: 'DEFAULT' | 'V4' | 'V6';
  /** How many addresses of it are tried before one of each other family. */
  readonly count: number;
}

export const PLAIN_EYEBALLS: HappyEyeballs = { first: 'DEFAULT', count: 1 };

export function readHappyEyeballs(fields: Fields): HappyEyeballs {
  const count = fields.number('first_address_family_count') ?? 1;
  if (count < 1) fields.problem('first_address_family_count', `found ${count}`, '1 or more');
  return { first: fields.choice('first_address_family_version', ['DEFAULT', 'V4', 'V6']), count };
}

/** The order in which addresses of one host are tried (RFC 8305, section 4), as Envoy sorts them: the families take turns. */
export function sortAddresses(addresses: readonly Address[], { first, count }: HappyEyeballs): readonly Address[] {
  const [head] = addresses;
  if (!head) return addresses;
  const preferred = first === 'DEFAULT' ? familyOf(head) : first;
  const families = new Map<string, Address[]>();
  if (addresses.some((address) => familyOf(address) === preferred)) families.set(preferred, []);
  for (const address of addresses) {
    const family = familyOf(address);
    const known = families.get(family);
    if (known) known.push(address);
    else families.set(family, [address]);
  }
  const sorted: Address[] = [];
  while (sorted.length < addresses.length) {
    for (const [family, left] of families) sorted.push(...left.splice(0, family === preferred ? count : 1));
  }
  return sorted;
}

function familyOf(address: Address): string {
  if (address.kind !== 'socket') return address.kind;
  return address.host.includes(':') ? 'V6' : 'V4';
}
