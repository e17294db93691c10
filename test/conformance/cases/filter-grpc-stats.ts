import { fileLog, router, simple, typed } from '../config.ts';
import type { Behaviour, Case, Json, Request, Scenario } from '../types.ts';

const TYPE = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';
const format = '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n';

const frame = (text: string, flags = 0): string =>
  `${String.fromCharCode(flags)}\0\0\0${String.fromCharCode(text.length)}${text}`;
const call = (path: string, body = frame('hello'), type = 'application/grpc'): Request => ({
  method: 'POST',
  path,
  headers: { 'content-type': type },
  body,
});
const answer = (headers: string, body: string, status = '200 OK'): Behaviour => ({
  raw: `HTTP/1.1 ${status}\r\ncontent-type: application/grpc\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`,
});
const withTrailers = (body: string, trailers: string): Behaviour => ({
  raw: `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`,
});

const method = '/pkg.Greeter/SayHello';
const fine = answer('grpc-status: 0\r\n', frame('hi'));

const cases: readonly Case[] = [
  { name: 'a call', requests: [call(method)], backends: { 0: [fine] } },
  { name: 'another method', requests: [call('/pkg.Greeter/SayBye')], backends: { 0: [fine] } },
  { name: 'another service', requests: [call('/other/SayHello')], backends: { 0: [fine] } },
  { name: 'a query', requests: [call(`${method}?a=b`)], backends: { 0: [fine] } },
  { name: 'a short path', requests: [call('/pkg.Greeter')], backends: { 0: [fine] } },
  { name: 'a long path', requests: [call(`${method}/more`)], backends: { 0: [fine] } },
  { name: 'a path with empty parts', requests: [call('//pkg.Greeter//SayHello')], backends: { 0: [fine] } },
  { name: 'a failed call', requests: [call(method)], backends: { 0: [answer('grpc-status: 5\r\n', '')] } },
  { name: 'a strange status', requests: [call(method)], backends: { 0: [answer('grpc-status: 77\r\n', '')] } },
  { name: 'no status', requests: [call(method)], backends: { 0: [answer('', frame('hi'))] } },
  {
    name: 'a status in trailers',
    requests: [call(method)],
    backends: { 0: [withTrailers(frame('hi'), 'grpc-status: 3\r\n')] },
  },
  {
    name: 'several messages',
    requests: [call(method, frame('a') + frame('bc') + frame(''))],
    backends: { 0: [answer('grpc-status: 0\r\n', frame('x') + frame('yz', 1))] },
  },
  { name: 'no messages', requests: [call(method, '')], backends: { 0: [answer('grpc-status: 0\r\n', '')] } },
  { name: 'half a message', requests: [call(method, frame('hello').slice(0, 7))], backends: { 0: [fine] } },
  { name: 'half a prefix', requests: [call(method, '\0\0')], backends: { 0: [fine] } },
  { name: 'no gRPC in it', requests: [call(method, 'hello world')], backends: { 0: [fine] } },
  { name: 'a message and no gRPC', requests: [call(method, `${frame('a')}hello world`)], backends: { 0: [fine] } },
  {
    name: 'gRPC with protobuf',
    requests: [call(method, frame('a'), 'application/grpc+proto')],
    backends: { 0: [fine] },
  },
  { name: 'gRPC-Web', requests: [call(method, frame('a'), 'application/grpc-web')], backends: { 0: [fine] } },
  { name: 'no gRPC', requests: [call(method, frame('a'), 'text/plain')], backends: { 0: [fine] } },
  { name: 'another answer', requests: [call(method)] },
  { name: 'an error', requests: [call(method)], backends: { 0: [answer('', 'x', '503 Service Unavailable')] } },
  { name: 'no answer', requests: [call(method)], backends: { 0: [{ end: 'close' }] } },
  { name: 'a direct response', requests: [call('/direct')] },
  {
    name: 'in small pieces',
    steps: [
      { send: `POST ${method} HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 17\r\n\r\n` },
      { sendSplit: frame('hello') + frame('ab') },
    ],
    backends: { 0: [fine] },
  },
];

const scenario = (name: string, config: Json): Scenario => ({
  feature: 'gRPC statistics filter',
  name,
  stats: [/^cluster\.c0\.grpc\./],
  bootstrap: (places) =>
    simple(places, {
      routes: [
        { match: { prefix: '/direct' }, direct_response: { status: 200 } },
        { match: { prefix: '/' }, route: { cluster: 'c0' } },
      ],
      manager: {
        access_log: [fileLog(places, format)],
        http_filters: [{ name: 'grpc', typed_config: typed(TYPE, config) }, router()],
      },
    }),
  cases,
});

const allowed = {
  services: [
    { name: 'pkg.Greeter', method_names: ['SayHello', 'Other'] },
    { name: 'none', method_names: ['x'] },
  ],
};

export const scenarios: readonly Scenario[] = [
  scenario('as it is', {}),
  scenario('all methods', { stats_for_all_methods: true }),
  scenario('all methods, dots replaced', { stats_for_all_methods: true, replace_dots_in_grpc_service_name: true }),
  scenario('no methods', { stats_for_all_methods: false }),
  scenario('some methods', { individual_method_stats_allowlist: allowed }),
  scenario('some methods, dots replaced', {
    individual_method_stats_allowlist: allowed,
    replace_dots_in_grpc_service_name: true,
  }),
  scenario('with times', { stats_for_all_methods: true, enable_upstream_stats: true }),
];
