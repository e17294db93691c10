import { type Faults, type Fields, itemsAt, quoted, textAt } from './faults.ts';
import type { IcmpMatch } from './policy-types.ts';

const names: Readonly<Record<IcmpMatch['family'], Readonly<Record<string, number>>>> = {
  IPv4: {
    EchoReply: 0,
    DestinationUnreachable: 3,
    Redirect: 5,
    Echo: 8,
    EchoRequest: 8,
    RouterAdvertisement: 9,
    RouterSelection: 10,
    TimeExceeded: 11,
    ParameterProblem: 12,
    Timestamp: 13,
    TimestampReply: 14,
    Photuris: 40,
    ExtendedEchoRequest: 42,
    ExtendedEchoReply: 43,
  },
  IPv6: {
    DestinationUnreachable: 1,
    PacketTooBig: 2,
    TimeExceeded: 3,
    ParameterProblem: 4,
    EchoRequest: 128,
    EchoReply: 129,
    MulticastListenerQuery: 130,
    MulticastListenerReport: 131,
    MulticastListenerDone: 132,
    RouterSolicitation: 133,
    RouterAdvertisement: 134,
    NeighborSolicitation: 135,
    NeighborAdvertisement: 136,
    RedirectMessage: 137,
    RouterRenumbering: 138,
    ICMPNodeInformationQuery: 139,
    ICMPNodeInformationResponse: 140,
    InverseNeighborDiscoverySolicitation: 141,
    InverseNeighborDiscoveryAdvertisement: 142,
    HomeAgentAddressDiscoveryRequest: 144,
    HomeAgentAddressDiscoveryReply: 145,
    MobilePrefixSolicitation: 146,
    MobilePrefixAdvertisement: 147,
    ExtendedEchoRequest: 160,
    ExtendedEchoReply: 161,
  },
};

const maxFields = 40;

/** `icmps` of an item; undefined when it is absent. */
export function readIcmps(faults: Faults, item: Fields, path: string): readonly IcmpMatch[] | undefined {
  return itemsAt(faults, item, 'icmps', path)?.flatMap(({ item: rule, path: place }) => {
    const fields = itemsAt(faults, rule, 'fields', place) ?? [];
    if (fields.length > maxFields) faults.add(`${place}.fields`, `too many types, the max is ${maxFields}`);
    return fields.flatMap(({ item: field, path: at }) => readField(faults, field, at) ?? []);
  });
}

function readField(faults: Faults, field: Fields, path: string): IcmpMatch | undefined {
  const family = textAt(faults, field, 'family', path) ?? 'IPv4';
  if (family !== 'IPv4' && family !== 'IPv6') {
    faults.add(`${path}.family`, `wrong family: ${family}`, 'IPv4, IPv6');
    return undefined;
  }
  const found = field['type'];
  const type = typeNumber(family, found);
  if (type === undefined) {
    faults.add(
      `${path}.type`,
      found === undefined
        ? 'type must be specified'
        : `ICMP type ${typeof found === 'string' ? found : quoted(found)} not found in ${family}`,
      `0 to 255, ${Object.keys(names[family]).join(', ')}`,
    );
    return undefined;
  }
  return { family, type };
}

function typeNumber(family: IcmpMatch['family'], type: unknown): number | undefined {
  if (typeof type === 'number') return Number.isInteger(type) && type >= 0 && type <= 255 ? type : undefined;
  if (typeof type !== 'string') return undefined;
  if (/^\d{1,3}$/.test(type)) return Number(type) <= 255 ? Number(type) : undefined;
  return Object.hasOwn(names[family], type) ? names[family][type] : undefined;
}
