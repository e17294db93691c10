import type { Fields } from '../config/fields.ts';
import { Histogram } from '../stats/histogram.ts';
import { counter, histogram, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import { ClientHelloReader } from '../tls/client-hello.ts';
import type { Inspector } from './inspection.ts';

/** Bytes that Envoy's inspector looks at, and grants to a configuration, at most. */
const MAX_BYTES = 16_384;

/** Counters under `tls_inspector.`. */
class TlsInspectorStats {
  tooBig = 0;
  tls = 0;
  other = 0;
  alpn = 0;
  noAlpn = 0;
  serverName = 0;
  noServerName = 0;
  readonly bytes = new Histogram();
}

const TLS_INSPECTOR_STATS = statsKind(TlsInspectorStats, {
  tooBig: counter('tls_inspector.client_hello_too_large'),
  tls: counter('tls_inspector.tls_found'),
  other: counter('tls_inspector.tls_not_found'),
  alpn: counter('tls_inspector.alpn_found'),
  noAlpn: counter('tls_inspector.alpn_not_found'),
  serverName: counter('tls_inspector.sni_found'),
  noServerName: counter('tls_inspector.sni_not_found'),
  bytes: histogram('none', 'tls_inspector.bytes_processed'),
});

/**
 * `envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector`: notes what a client hello asks for. A hello that does
 * not end within the limit or is of an unknown version closes the connection; what is none goes on as it is, unless the
 * configuration says otherwise.
 */
export function readTlsInspector(fields: Fields, stats: StatsScope): Inspector {
  // Everything that has come is looked at once, so there is no buffer to begin with.
  fields.ignore('initial_read_buffer_size');
  for (const key of ['enable_ja3_fingerprinting', 'enable_ja4_fingerprinting']) {
    if (fields.boolean(key)) fields.problem(key, 'is not supported by ciliate-proxy', 'false');
  }
  const limit = fields.number('max_client_hello_size') ?? MAX_BYTES;
  if (limit > MAX_BYTES) fields.problem('max_client_hello_size', `value must be less than or equal to ${MAX_BYTES}`);
  const closesOthers = fields.flag('close_connection_on_client_hello_parsing_errors');
  const counters = stats.get(TLS_INSPECTOR_STATS, '');
  return () => {
    const reader = new ClientHelloReader();
    return (bytes, found) => {
      const seen = bytes.subarray(0, limit);
      const hello = reader.read(seen);
      if (hello === 'more') {
        if (seen.length < limit) return 'more';
        counters.tooBig++;
        return 'close';
      }
      counters.bytes.record(seen.length);
      if (hello === 'other') {
        counters.other++;
        return closesOthers ? 'close' : 'done';
      }
      if (hello.serverName === '') counters.noServerName++;
      else counters.serverName++;
      if (!hello.knownVersion) {
        counters.other++;
        return 'close';
      }
      counters.tls++;
      if (hello.protocols.length === 0) counters.noAlpn++;
      else counters.alpn++;
      found.hello = hello;
      return 'done';
    };
  };
}
