import { type Flow, Verdict } from '../../src/model/flow/index.ts';
import { loggedHeaders } from '../../src/plan/logged-headers.ts';
import type { PlayedExchange } from './played.ts';
import { suppliedRequestId } from './table.ts';

/** Headers that have fields of their own in an entry. */
const fixed = ['user-agent', 'referer', 'x-forwarded-for', 'x-request-id'];
const named: ReadonlySet<string> = new Set([...loggedHeaders.request, ...loggedHeaders.response, ...fixed]);

/** Values that no two runs have in common. */
const passing: Readonly<Record<string, RegExp>> = {
  date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  'x-envoy-upstream-service-time': /^\d+$/,
  'x-envoy-expected-rq-timeout-ms': /^\d+$/,
  'x-request-id': /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
};

/** A flow without what two runs do not have in common: times, and ports that the kernel chose. */
export function normalFlow({ time, l4, l7, Summary, ...flow }: Flow): object {
  const { source_port, destination_port } = l4?.TCP ?? {};
  return {
    ...flow,
    time: time !== undefined,
    ports: [source_port, destination_port].map((port) => ((port ?? 0) > 32_767 ? 'chosen' : port)),
    ...(l7 && {
      l7: {
        ...l7,
        latency_ns: l7.latency_ns !== undefined,
        http: l7.http && { ...l7.http, headers: (l7.http.headers ?? []).map(normalHeader) },
      },
    }),
    Summary: Summary?.replace(/ \d+ms /, ' TIME '),
  };
}

function normalHeader({ key = '', value = '' }: { readonly key?: string; readonly value?: string }): string {
  const form = passing[key.toLowerCase()];
  return `${key}: ${form?.test(value) && value !== suppliedRequestId ? 'PASSING' : value}`;
}

/** The flow as a data plane gives it that logs named headers alone, and the names of those that it leaves out. */
export function withNamedHeaders(flow: Flow): { readonly flow: Flow; readonly dropped: readonly string[] } {
  const headers = flow.l7?.http?.headers;
  if (!headers) return { flow, dropped: [] };
  const isNamed = ({ key = '' }: { readonly key?: string }): boolean => named.has(key.toLowerCase());
  const http = { ...flow.l7?.http, headers: headers.filter(isNamed) };
  const dropped = headers.filter((header) => !isNamed(header)).map(({ key = '' }) => key);
  return { flow: { ...flow, l7: { ...flow.l7, http } } as Flow, dropped };
}

/** What the client got, without what two runs do not have in common. */
export function normalAnswer({ answer }: PlayedExchange): string {
  return answer
    .replace(/^date: .*$/m, 'date: PASSING')
    .replace(/^x-envoy-upstream-service-time: \d+/m, 'x-envoy-upstream-service-time: PASSING');
}

/** What the flows of an exchange say, in a line: verdict, status, and policies by their direction; nothing where there are none. */
export function sayingOf(flows: readonly Flow[]): string {
  const [first] = flows;
  if (!first) return '';
  const verdict = first.verdict === Verdict.DROPPED ? 'DROPPED' : 'FORWARDED';
  const fields = ['egress_allowed_by', 'egress_denied_by', 'ingress_allowed_by', 'ingress_denied_by'] as const;
  const policies = fields.flatMap((field) => {
    const names = (first[field] ?? []).map(({ name }) => name);
    return names.length === 0 ? [] : [`${field} ${names.join(' ')}`];
  });
  const status = flows.at(-1)?.l7?.http?.code;
  return [`${verdict}${status ? ` ${status}` : ''}`, ...policies].join(', ');
}
