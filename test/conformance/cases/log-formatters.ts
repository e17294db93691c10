import { simple, typed } from '../config.ts';
import type { Json, Places, Scenario } from '../types.ts';

const FORMATTER = 'envoy.extensions.formatter';
const without: Json = {
  name: 'envoy.formatter.req_without_query',
  typed_config: typed(`${FORMATTER}.req_without_query.v3.ReqWithoutQuery`),
};
const metadata: Json = {
  name: 'envoy.formatter.metadata',
  typed_config: typed(`${FORMATTER}.metadata.v3.Metadata`),
};

const logOf = (places: Places, format: Json): Json => ({
  name: 'file',
  typed_config: typed('envoy.extensions.access_loggers.file.v3.FileAccessLog', {
    path: `${places.folder}/access.log`,
    log_format: format,
  }),
});
const text = (line: string, ...formatters: readonly Json[]): Json => ({
  text_format_source: { inline_string: `${line}\n` },
  formatters,
});
const paths = '%REQ_WITHOUT_QUERY(:PATH)% %REQ_WITHOUT_QUERY(X-A?:PATH)% %REQ_WITHOUT_QUERY(X-A):3% %REQ(:PATH)%';

const scenario = (name: string, format: Json): Scenario => ({
  feature: 'access log sinks',
  name: `formatters: ${name}`,
  bootstrap: (places) => simple(places, { manager: { access_log: [logOf(places, format)] } }),
  cases: [
    { name: 'a query', requests: [{ path: '/a/b?c=d?e', headers: { 'x-a': 'long?x' } }] },
    { name: 'no query', requests: [{ path: '/a/b' }] },
    { name: 'an empty path', requests: [{ path: '/?' }] },
  ],
});
const refusal = (name: string, format: Json): Scenario => ({
  feature: 'access log sinks',
  name: `formatters refused: ${name}`,
  validateOnly: true,
  bootstrap: (places) => simple(places, { manager: { access_log: [logOf(places, format)] } }),
  cases: [],
});

export const scenarios: readonly Scenario[] = [
  scenario('in a line', text(paths, without)),
  scenario('in JSON', {
    json_format: {
      path: '%REQ_WITHOUT_QUERY(:PATH)%',
      both: 'at %REQ_WITHOUT_QUERY(:PATH)%',
      none: '%REQ_WITHOUT_QUERY(X-B)%',
    },
    formatters: [without],
  }),
  scenario('of metadata', text('%METADATA(ROUTE:a:b)% %METADATA(CLUSTER:a)%', metadata)),
  refusal('a command without its formatter', text(paths)),
  refusal('a command of another formatter', text(paths, metadata)),
  refusal('a command without a header', text('%REQ_WITHOUT_QUERY%', without)),
  refusal('a formatter that there is not', text('a', { name: 'it' })),
];
