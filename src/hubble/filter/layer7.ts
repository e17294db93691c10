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
    tests.push((flow) =>
      (flow.l7?.http?.headers ?? []).some((found) =>
        headers.some(
          ({ key = '', value = '' }) => found.key?.toLowerCase() === key.toLowerCase() && found.value === value,
        ),
      ),
    );
  }
  return ok(tests);
}

function onlyLayer7({ event_type: types = [] }: FlowFilter): boolean {
  return types.every(({ type }) => type === MessageType.L7);
}

function statusTests(tests: FlowTest[], filter: FlowFilter): string | undefined {
  const wanted = filter.http_status_code ?? [];
  if (wanted.length === 0) return undefined;
  if (!onlyLayer7(filter)) {
    return "filtering by http status code requires the event type filter to only match 'l7' events";
  }
  for (const text of wanted) {
    if (!exactStatus.test(text) && !statusPrefix.test(text)) {
      return `invalid status code prefix: ${JSON.stringify(text)}`;
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
  if (!onlyLayer7(filter)) {
    return "filtering by http method requires the event type filter to only match 'l7' events";
  }
  tests.push((flow) => wanted.includes(flow.l7?.http?.method?.toLowerCase() ?? ''));
  return undefined;
}

function regexTests(tests: FlowTest[], filter: FlowFilter): string | undefined {
  const fields: readonly [string, readonly string[] | undefined, (flow: Flow) => string | undefined][] = [
    ['http path', filter.http_path, (flow) => pathOf(flow.l7?.http?.url)],
    ['http url', filter.http_url, (flow) => flow.l7?.http?.url],
    ['dns query', filter.dns_query, (flow) => flow.l7?.dns?.query],
  ];
  for (const [name, patterns = [], read] of fields) {
    if (patterns.length === 0) continue;
    if (name.startsWith('http') && !onlyLayer7(filter)) {
      return `filtering by ${name} requires the event type filter to only match 'l7' events`;
    }
    const compiled = collect(patterns, compileRegex);
    if (!compiled.ok) return `invalid ${name} filter: ${compiled.error}`;
    tests.push((flow) => {
      const text = read(flow);
      return text !== undefined && compiled.value.some((matches) => matches(text));
    });
  }
  return undefined;
}

/** The path of a request URL, without query and fragment; undefined when it is no URL. */
function pathOf(url: string | undefined): string | undefined {
  if (!url) return undefined;
  if (url.startsWith('/')) return url.replace(/[?#].*$/s, '');
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1];
}
