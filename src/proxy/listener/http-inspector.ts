import { TOKEN } from '../http/bytes.ts';
import { counter, statsKind } from '../stats/kind.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Inspector } from './inspection.ts';

/** What the first bytes of a connection are: an application protocol, nothing known, or too few to tell. */
type Sniffed = 'http/1.0' | 'http/1.1' | 'h2c' | 'other' | 'more';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
/** As much as Envoy's inspector looks at. */
const MAX_BYTES = 65_536;

/** Judges as `envoy.filters.listener.http_inspector`: by the HTTP/2 preface, else by the version at the end of a complete request line. */
function sniffHttp(bytes: Buffer): Sniffed {
  const shared = Math.min(bytes.length, PREFACE.length);
  if (bytes.compare(PREFACE, 0, shared, 0, shared) === 0) return bytes.length < PREFACE.length ? 'more' : 'h2c';
  let at = 0;
  while (at < bytes.length && (bytes[at] === 13 || bytes[at] === 10)) at++;
  const method = at;
  while (at < bytes.length && TOKEN[bytes[at] as number] === 1) at++;
  if (at < bytes.length && (bytes[at] !== 0x20 || at === method)) return 'other';
  const end = bytes.indexOf(10, at);
  if (end < 0) return bytes.length >= MAX_BYTES ? 'other' : 'more';
  const line = bytes.toString('latin1', method, bytes[end - 1] === 13 ? end - 1 : end);
  if (line.endsWith(' HTTP/1.1')) return 'http/1.1';
  return line.endsWith(' HTTP/1.0') ? 'http/1.0' : 'other';
}

/** Counters under `http_inspector.`. */
class HttpInspectorStats {
  readError = 0;
  http10 = 0;
  http11 = 0;
  http2 = 0;
  none = 0;

  count(sniffed: Exclude<Sniffed, 'more'>): void {
    if (sniffed === 'http/1.0') this.http10++;
    else if (sniffed === 'http/1.1') this.http11++;
    else if (sniffed === 'h2c') this.http2++;
    else this.none++;
  }
}

const HTTP_INSPECTOR_STATS = statsKind(HttpInspectorStats, {
  readError: counter('http_inspector.read_error'),
  http10: counter('http_inspector.http10_found'),
  http11: counter('http_inspector.http11_found'),
  http2: counter('http_inspector.http2_found'),
  none: counter('http_inspector.http_not_found'),
});

/** `envoy.extensions.filters.listener.http_inspector.v3.HttpInspector`; it leaves alone what an inspector before it found to be TLS. */
export function httpInspector(stats: StatsScope): Inspector {
  const counters = stats.get(HTTP_INSPECTOR_STATS, '');
  return () => (bytes, found) => {
    if (found.hello) return 'done';
    const sniffed = sniffHttp(bytes);
    if (sniffed === 'more') return 'more';
    counters.count(sniffed);
    if (sniffed !== 'other') found.protocol = sniffed;
    return 'done';
  };
}
