import type { Fields } from '../config/fields.ts';
import type { ProxiedEnds } from '../proxy-protocol/types.ts';
import { readProxyProtocolConfig } from '../proxy-protocol/upstream.ts';
import { LOCAL_HEADER, writeBinary, writeLine } from '../proxy-protocol/write.ts';

/** `ConnectConfig`: a CONNECT request ends here, and what it carries goes to the upstream host as it is. */
export interface ConnectTermination {
  /** POST requests are taken for CONNECT as well. */
  readonly allowPost: boolean;
  /** What the host is sent first, which tells it of the client; undefined: nothing. */
  readonly greeting: ((ends: ProxiedEnds) => Buffer) | undefined;
}

export interface RouteUpgrades {
  /** Upgrade types switched on or off here, lower case. */
  readonly upgrades: ReadonlyMap<string, boolean>;
  /** Undefined: CONNECT is sent on as it came. */
  readonly connect: ConnectTermination | undefined;
}

const CONNECT = 'connect';

/** Reads `upgrade_configs` of an `envoy.config.route.v3.RouteAction`. */
export function readRouteUpgrades(fields: Fields): RouteUpgrades {
  const upgrades = new Map<string, boolean>();
  let connect: ConnectTermination | undefined;
  fields.list('upgrade_configs', (config) => {
    const type = readUpgradeType(config);
    if (type === '') config.problem('upgrade_type', 'value is required');
    if (upgrades.has(type.toLowerCase())) config.problem('upgrade_type', `Duplicate upgrade ${type}`);
    upgrades.set(type.toLowerCase(), config.boolean('enabled') ?? true);
    const own = config.message('connect_config', readConnectConfig);
    if (own && type.toLowerCase() !== CONNECT) {
      config.problem('connect_config', `Non-CONNECT upgrade type ${type} has ConnectConfig`);
    }
    connect ??= own;
  });
  return { upgrades, connect };
}

/** `upgrade_type` as it is written; empty where there is none. */
export function readUpgradeType(config: Fields): string {
  const type = config.text('upgrade_type');
  if (type.toLowerCase() === 'connect-udp') {
    config.problem(
      'upgrade_type',
      'CONNECT-UDP is not supported by ciliate-proxy',
      'CONNECT, websocket and other types over TCP',
    );
  }
  return type;
}

function readConnectConfig(fields: Fields): ConnectTermination {
  return { allowPost: fields.flag('allow_post'), greeting: fields.message('proxy_protocol_config', readGreeting) };
}

/** As in Envoy no TLVs are sent here, whatever the configuration says of them. */
function readGreeting(fields: Fields): ConnectTermination['greeting'] {
  if (readProxyProtocolConfig(fields).version === 1) return writeLine;
  return (ends) => writeBinary(ends, [])?.bytes ?? LOCAL_HEADER;
}

/** Whether requests of a method end here on a route with that configuration. */
export function terminates(connect: ConnectTermination | undefined, method: string): boolean {
  return connect !== undefined && (method === 'CONNECT' || (connect.allowPost && method === 'POST'));
}
