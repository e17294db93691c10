import net from 'node:net';
import { type Fields, isObject, typeName } from '../../config/fields.ts';
import { readSocketOptions, type SocketOption } from '../../config/socket-option.ts';
import { readTcpKeepalive } from '../../config/tcp-keepalive.ts';
import { type HappyEyeballs, PLAIN_EYEBALLS, readHappyEyeballs } from '../happy-eyeballs.ts';

/** Where upstream connections come from; port 0: the kernel chooses one. */
export interface LocalPlace {
  readonly host: string;
  readonly port: number;
}

/** An `envoy.config.core.v3.BindConfig`. */
export interface BindConfig {
  readonly source: LocalPlace | undefined;
  /** IP_FREEBIND; undefined: not said. */
  readonly freebind: boolean | undefined;
  readonly options: readonly SocketOption[];
  /** Other places to come from; without options of their own they have those of the configuration. */
  readonly extra: readonly { readonly source: LocalPlace; readonly options: readonly SocketOption[] | undefined }[];
}

/** What an upstream socket is made with. */
export interface LocalSettings {
  readonly source: LocalPlace | undefined;
  readonly freebind: boolean;
  readonly options: readonly SocketOption[];
}

/** The settings to choose from, one at least: those of the host's address family, else the first. */
export type UpstreamBinding = readonly LocalSettings[];

const DEFAULT_SELECTOR = 'envoy.config.upstream.local_address_selector.v3.DefaultLocalAddressSelector';
const LISTS = ['extra_source_addresses', 'additional_source_addresses'] as const;
const MOST_EXTRA = 1;

/** Reads a `BindConfig` and what the default address selector asks of it. */
export function readBindConfig(fields: Fields): BindConfig {
  const source = fields.message('source_address', readPlace);
  const options = readSocketOptions(fields, 'socket_options');
  const given = LISTS.filter((key) => fields.items(key).length > 0);
  if (given.length > 1) fields.problem(LISTS[1], `cannot be given together with ${LISTS[0]}`);
  const extra = [
    ...fields.list(LISTS[0], (one) => ({
      source: one.message('address', readPlace) ?? missing(one),
      options: one.message('socket_options', (inner) => readSocketOptions(inner, 'socket_options')),
    })),
    ...fields.list(LISTS[1], (one) => ({ source: readPlace(one), options: undefined })),
  ];
  const [key = ''] = given;
  if (extra.length > 0 && !source) fields.problem(key, 'cannot be given without source_address');
  if (extra.length > MOST_EXTRA) fields.problem(key, `found ${extra.length}`, `${MOST_EXTRA} at most`);
  if (extra.some((one) => source && net.isIP(one.source.host) === net.isIP(source.host)))
    fields.problem(key, 'has the IP version of source_address', 'the other IP version');
  fields.message('local_address_selector', readSelector);
  return { source, freebind: fields.boolean('freebind'), options, extra };
}

/**
 * Reads `upstream_bind_config` of a cluster; `keepalive` are options of all its sockets. `general` is what the cluster manager has for clusters that do not say
 * otherwise: a bind configuration of the cluster takes its place, but for options of sockets that it leaves out.
 */
export function readBinding(
  fields: Fields,
  general: BindConfig | undefined,
  keepalive: readonly SocketOption[],
): UpstreamBinding | undefined {
  const own = fields.message('upstream_bind_config', readBindConfig);
  const config = own ?? general;
  const freebind = own?.freebind ?? general?.freebind ?? false;
  const ofClusters = own && own.options.length > 0 ? own.options : (general?.options ?? []);
  const settings = (source: LocalPlace | undefined, options: readonly SocketOption[]): LocalSettings => ({
    source,
    freebind,
    options: [...keepalive, ...options],
  });
  const binding = [
    settings(config?.source, ofClusters),
    ...(config?.extra ?? []).map((one) => settings(one.source, one.options ?? ofClusters)),
  ];
  const plain = binding.every(({ source, options }) => !source && options.length === 0) && !freebind;
  return plain ? undefined : binding;
}

/** An `envoy.config.cluster.v3.UpstreamConnectionOptions`. */
export interface ConnectionOptions {
  readonly keepalive: readonly SocketOption[];
  readonly eyeballs: HappyEyeballs;
}

export function readConnectionOptions(fields: Fields): ConnectionOptions {
  const read = fields.message('upstream_connection_options', (inner) => {
    // For extensions that ask for the name; no filter, format or attribute does.
    inner.ignore('set_local_interface_name_on_upstream_connections');
    return {
      keepalive: inner.message('tcp_keepalive', readTcpKeepalive),
      eyeballs: inner.message('happy_eyeballs_config', readHappyEyeballs),
    };
  });
  return { keepalive: read?.keepalive ?? [], eyeballs: read?.eyeballs ?? PLAIN_EYEBALLS };
}

function readPlace(fields: Fields): LocalPlace {
  // Nothing looks at the protocol.
  fields.ignore('protocol', 'ipv4_compat');
  const host = fields.required('address');
  const port = fields.number('port_value') ?? 0;
  if (port < 0 || port > 65_535) fields.problem('port_value', `found ${port}`, '0 to 65535');
  if (host !== '' && net.isIP(host) === 0) fields.problem('address', `malformed IP address: ${host}`, 'an IP address');
  return { host, port };
}

function missing(fields: Fields): LocalPlace {
  fields.problem('address', 'value is required');
  return { host: '', port: 0 };
}

function readSelector(fields: Fields): void {
  fields.ignore('name');
  const config = fields.raw('typed_config');
  const type = isObject(config) ? typeName(config) : '';
  if (type !== DEFAULT_SELECTOR)
    fields.problem('typed_config', `${type || 'nothing'} is not supported by ciliate-proxy`, DEFAULT_SELECTOR);
}
