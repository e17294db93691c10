import { fail, ok } from '../../base/index.ts';
import { type Flow, type FlowFilter, MessageType } from '../../model/flow/index.ts';
import { compileRegex } from './patterns.ts';
import { type CompiledTests, collect, type FlowTest } from './sides.ts';

const exactStatus = /^[1-5][0-9]{2}$/;
const statusPrefix = /^[1-5][0-9]?\+$/;

/** Tests for HTTP and DNS fields. */
export function compileLayer7(filter: FlowFilter): CompiledTests {
  const tests: FlowTest[] = [];
  const fault = statusTests(tests, filter) ?? methodTests(tests, filter) ?? regexTests(tests, filter);
  if (fault !== undefined) return fail(fault);
  const headers = filter.http_header ?? [];
  if (headers.length > 0) {
    if (!onlyLayer7(filter)) return fail(layer7Alone('headers'));
    tests.push((flow) =>
      (flow.l7?.http?.headers ?? []).some((found) =>
        headers.some(({ key = '', value = '' }) => (found.key ?? '') === key && (found.value ?? '') === value),
      ),
    );
  }
  return ok(tests);
}

function onlyLayer7({ event_type: types = [] }: FlowFilter): boolean {
  return types.every(({ type }) => type === MessageType.L7);
}

function layer7Alone(what: string): string {
  return `filtering by http ${what} requires the event type filter to only match 'l7' events`;
}

function statusTests(tests: FlowTest[], filter: FlowFilter): string | undefined {
  const wanted = filter.http_status_code ?? [];
  if (wanted.length === 0) return undefined;
  if (!onlyLayer7(filter)) return layer7Alone('status code');
  for (const text of wanted) {
    if (!exactStatus.test(text) && !statusPrefix.test(text)) {
      return `invalid http status code filter: invalid status code prefix: ${JSON.stringify(text)}`;
    }
  }
  tests.push((flow) => {
    const code = flow.l7?.http?.code ?? 0;
    if (code === 0) return false;
    const digits = String(code).padStart(3, '0');
    return wanted.some((text) => (text.endsWith('+') ? digits.startsWith(text.slice(0, -1)) : digits === text));
  });
  return undefined;
}

function methodTests(tests: FlowTest[], filter: FlowFilter): string | undefined {
  const wanted = (filter.http_method ?? []).map((method) => method.toLowerCase());
  if (wanted.length === 0) return undefined;
  if (!onlyLayer7(filter)) return layer7Alone('method');
  tests.push((flow) => wanted.includes(flow.l7?.http?.method?.toLowerCase() ?? ''));
  return undefined;
}

function regexTests(tests: FlowTest[], filter: FlowFilter): string | undefined {
  const fields: readonly [string, readonly string[] | undefined, (flow: Flow) => string | undefined][] = [
    ['http path', filter.http_path, (flow) => pathOf(flow.l7?.http?.url)],
    ['http url', filter.http_url, (flow) => flow.l7?.http?.url],
    ['DNS query', filter.dns_query, (flow) => flow.l7?.dns?.query],
  ];
  for (const [name, patterns = [], read] of fields) {
    if (patterns.length === 0) continue;
    const http = name !== 'DNS query';
    if (http && !onlyLayer7(filter)) return layer7Alone(name.slice('http '.length));
    const compiled = collect(patterns, (pattern) => {
      const regex = compileRegex(pattern);
      return regex.ok ? regex : fail(`${http ? pattern : 'failed to compile regexp'}: ${regex.error}`);
    });
    if (!compiled.ok) return `invalid ${name} filter: ${compiled.error}`;
    tests.push((flow) => {
      const text = read(flow);
      return text !== undefined && compiled.value.some((matches) => matches(text));
    });
  }
  return undefined;
}

/** The decoded path of a request URL, without query; undefined when it is no URL. */
function pathOf(url: string | undefined): string | undefined {
  if (!url) return undefined;
  const written = url.startsWith('/')
    ? url.replace(/\?.*$/s, '')
    : /^[a-z][a-z0-9+.-]*:\/\/[^/?]*([^?]*)/i.exec(url)?.[1];
  try {
    return written === undefined ? undefined : decodeURIComponent(written);
  } catch {
    return undefined;
  }
}
