import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import type { FlowFilter } from '../../model/flow/index.ts';
import { checkFilters, filtersOfText } from '../exporter/filters.ts';

/** What goes to an OpenTelemetry collector, and where it is. */
export interface TelemetrySettings {
  /** Without a slash at its end; `/v1/traces` and `/v1/logs` come behind it. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly traces: boolean;
  readonly logs: boolean;
  readonly allow: readonly FlowFilter[];
  readonly deny: readonly FlowFilter[];
}

const key = {
  endpoint: 'hubble-otlp-endpoint',
  headers: 'hubble-otlp-headers',
  signals: 'hubble-otlp-signals',
  allow: 'hubble-otlp-allowlist',
  deny: 'hubble-otlp-denylist',
} as const;

/**
 * From `cilium-config`: `hubble-otlp-endpoint` (as `OTEL_EXPORTER_OTLP_ENDPOINT`, for OTLP/HTTP with protobuf; without it nothing is sent),
 * `hubble-otlp-headers` (as `OTEL_EXPORTER_OTLP_HEADERS`: `key=value,key=value`, percent-encoded), `hubble-otlp-signals` (`traces`, `logs` or both; traces),
 * `hubble-otlp-allowlist` and `hubble-otlp-denylist` (filters as those of the exporters to files). The keys are ours: Cilium has no such exporter.
 */
export function readTelemetry(data: Readonly<Record<string, string>>): Result<TelemetrySettings | undefined, Issue[]> {
  const endpoint = data[key.endpoint] ?? '';
  if (endpoint === '') return ok(undefined);
  const issues: Issue[] = [];
  const signals = (data[key.signals] ?? 'traces').split(/[\s,]+/).filter((signal) => signal !== '');
  const unknown = signals.find((signal) => signal !== 'traces' && signal !== 'logs');
  if (unknown !== undefined)
    issues.push({ path: key.signals, message: `found ${JSON.stringify(unknown)}`, allowed: 'traces, logs' });
  const settings: TelemetrySettings = {
    endpoint: endpointOf(endpoint, issues),
    headers: headersOf(data[key.headers] ?? '', issues),
    traces: signals.includes('traces'),
    logs: signals.includes('logs'),
    allow: filtersOfText(data[key.allow] ?? '', key.allow, issues),
    deny: filtersOfText(data[key.deny] ?? '', key.deny, issues),
  };
  checkFilters(settings.allow, key.allow, issues);
  checkFilters(settings.deny, key.deny, issues);
  return issues.length > 0 ? fail(issues) : ok(settings);
}

function endpointOf(text: string, issues: Issue[]): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '') {
    return url.href.replace(/\/+$/, '');
  }
  // It may hold a password, which must not end up in a log.
  issues.push({
    path: key.endpoint,
    message: 'is not such a URL',
    allowed: 'http://HOST:PORT, https://HOST:PORT/PATH',
  });
  return '';
}

function headersOf(text: string, issues: Issue[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, pair] of text.split(',').entries()) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const [name, value] = [decoded(pair.slice(0, Math.max(0, equals))), decoded(pair.slice(equals + 1))];
    if (
      name !== undefined &&
      value !== undefined &&
      /^[!#$%&'*+.^_`|~\w-]+$/.test(name) &&
      !/[^\t\x20-\x7e]/.test(value)
    ) {
      headers[name.toLowerCase()] = value;
    } else issues.push({ path: key.headers, message: `entry ${index + 1} is not understood`, allowed: 'KEY=VALUE' });
  }
  return { ...headers };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
