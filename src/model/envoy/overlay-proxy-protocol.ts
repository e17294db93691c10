import type { OverlayField } from './overlay.ts';
import type { OverlayMessage } from './overlay-messages.ts';

const core = 'envoy.config.core.v3';
const listener = 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol';
const upstream = 'envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';

/** What the PROXY protocol has gained, for both sides. */
export const proxyProtocolFields: readonly OverlayField[] = [
  { message: listener, field: 'tlv_location', number: 6, type: `${listener}.TlvLocation` },
  {
    message: `${listener}.KeyValuePair`,
    field: 'value_string_encoding',
    number: 3,
    type: `${listener}.KeyValuePair.ValueStringEncoding`,
  },
  {
    message: `${core}.ProxyProtocolConfig`,
    field: 'added_tlvs',
    number: 3,
    type: `${core}.TlvEntry`,
    repeated: true,
  },
  {
    message: 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    field: 'proxy_protocol_tlvs',
    number: 19,
    type: `${core}.TlvEntry`,
    repeated: true,
  },
  { message: upstream, field: 'allow_unspecified_address', number: 3, type: 'bool' },
  { message: upstream, field: 'tlv_as_pool_key', number: 4, type: 'bool' },
];

export const proxyProtocolMessages: readonly OverlayMessage[] = [
  { parent: listener, definition: 'enum TlvLocation { DYNAMIC_METADATA = 0; FILTER_STATE = 1; }' },
  {
    parent: `${listener}.KeyValuePair`,
    definition: 'enum ValueStringEncoding { UNSPECIFIED = 0; SANITIZED_UTF8 = 1; BASE64 = 2; }',
  },
  {
    parent: core,
    needs: [`${core}.SubstitutionFormatString`],
    definition: `
      message TlvEntry {
        uint32 type = 1 [(validate.rules).uint32 = {lt: 256}];
        bytes value = 2;
        ${core}.SubstitutionFormatString format_string = 3;
      }
      message PerHostConfig {
        repeated ${core}.TlvEntry added_tlvs = 1;
      }`,
  },
];
