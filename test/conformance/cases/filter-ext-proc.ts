import { typed } from '../config.ts';
import { GRPC, GRPC_DOWN, type RemoteRow, remoteScenario } from '../remote-filters.ts';
import type { Behaviour, Json, Scenario } from '../types.ts';

const PROC = 'envoy.extensions.filters.http.ext_proc.v3';
const filter = { name: 'envoy.filters.http.ext_proc', type: `${PROC}.ExternalProcessor` };
const config = (more: Json = {}): Json => ({ grpc_service: GRPC, message_timeout: '5s', ...more });
const mode = (processing_mode: Json, more: Json = {}): Json => config({ processing_mode, ...more });
const perRoute = (override: Json): Json => ({
  typed_per_filter_config: { [filter.name]: typed(`${PROC}.ExtProcPerRoute`, override) },
});
const overrides = (more: Json): Json => perRoute({ overrides: more });

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const option = (key: string, value: string, more: Json = {}): Json => ({
  header: { key, raw_value: base64(value) },
  ...more,
});
const reply = (message: Json): Behaviour => ({ reply: message });
const common = (kind: string, response: Json, more: Json = {}): Behaviour => reply({ [kind]: { response }, ...more });
const heads = (mutation: Json, more: Json = {}, outer: Json = {}): Behaviour =>
  common('request_headers', { header_mutation: mutation, ...more }, outer);
const answerHeads = (mutation: Json, more: Json = {}, outer: Json = {}): Behaviour =>
  common('response_headers', { header_mutation: mutation, ...more }, outer);
const body = (kind: 'request' | 'response', text: string, more: Json = {}): Behaviour =>
  common(`${kind}_body`, { body_mutation: { body: base64(text) }, ...more });
const pass = (kind: string): Behaviour => reply({ [kind]: {} });
const REQUEST_ONLY = { response_header_mode: 'SKIP' };
const RESPONSE_ONLY = { request_header_mode: 'SKIP' };
const POST = { method: 'POST', body: 'hello' };
const upstream = (headers: string, text = 'hello', status = '200 OK'): Behaviour => ({
  raw: `HTTP/1.1 ${status}\r\n${headers}content-length: ${text.length}\r\n\r\n${text}`,
});

const modes: readonly RemoteRow[] = [
  { name: 'nothing said', config: config() },
  {
    name: 'a request that says a lot',
    config: config(),
    requests: [
      {
        method: 'PUT',
        path: '/a?b=c',
        host: 'Host.test:81',
        headers: [
          ['x-a', '1'],
          ['X-A', '2'],
          ['x-utf', 'caf\xc3\xa9'],
          ['x-latin', 'caf\xe9'],
          ['cookie', 'a=b'],
        ],
        body: 'hello',
      },
    ],
  },
  { name: 'chunked', config: config(), requests: [{ method: 'POST', chunked: true, body: 'hello' }] },
  { name: 'a HEAD request', config: config(), requests: [{ method: 'HEAD' }] },
  { name: 'nothing shown', config: mode({ ...REQUEST_ONLY, ...RESPONSE_ONLY }) },
  { name: 'request head alone', config: mode(REQUEST_ONLY) },
  { name: 'response head alone', config: mode(RESPONSE_ONLY) },
  { name: 'SEND', config: mode({ request_header_mode: 'SEND', response_header_mode: 'SEND' }) },
  {
    name: 'an answer to a request without a host',
    config: config(),
    answers: [answerHeads({ set_headers: [option('x-answer', 'v')] })],
    requests: [{ host: null }],
  },
  {
    name: 'an answer to a request that cannot be read',
    config: config(),
    answers: [answerHeads({ set_headers: [option('x-answer', 'v')] })],
    requests: ['GET\r\n\r\n'],
    difference: 'late-answer-to-unreadable',
  },
  { name: 'buffered request', config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }), requests: [POST] },
  { name: 'buffered request without a body', config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }) },
  {
    name: 'buffered request, head skipped',
    config: mode({ ...REQUEST_ONLY, ...RESPONSE_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
  },
  { name: 'buffered response', config: mode({ ...RESPONSE_ONLY, response_body_mode: 'BUFFERED' }) },
  {
    name: 'buffered response with its head',
    config: mode({ request_header_mode: 'SKIP', response_body_mode: 'BUFFERED' }),
  },
  {
    name: 'buffered both',
    config: mode({ request_body_mode: 'BUFFERED', response_body_mode: 'BUFFERED' }),
    requests: [POST],
  },
  { name: 'streamed request', config: mode({ ...REQUEST_ONLY, request_body_mode: 'STREAMED' }), requests: [POST] },
  { name: 'streamed response', config: mode({ ...RESPONSE_ONLY, response_body_mode: 'STREAMED' }) },
  {
    name: 'streamed both, heads skipped',
    config: mode({ ...REQUEST_ONLY, ...RESPONSE_ONLY, request_body_mode: 'STREAMED', response_body_mode: 'STREAMED' }),
    requests: [POST],
  },
  {
    name: 'partial request',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED_PARTIAL' }),
    requests: [POST],
  },
  { name: 'partial response', config: mode({ ...RESPONSE_ONLY, response_body_mode: 'BUFFERED_PARTIAL' }) },
  {
    name: 'pieces of a streamed request',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'STREAMED' }),
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n' },
      { sleep: 60 },
      { send: '3\r\nabc\r\n' },
      { sleep: 60 },
      { send: '3\r\ndef\r\n' },
      { sleep: 60 },
      { send: '0\r\n\r\n' },
      { awaitResponses: 1 },
    ],
    answers: [pass('request_headers'), body('request', 'ABC'), body('request', ''), body('request', '!')],
  },
  {
    name: 'pieces of a buffered request',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    steps: [
      { send: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n' },
      { sleep: 60 },
      { send: 'abc' },
      { sleep: 60 },
      { send: 'def' },
      { awaitResponses: 1 },
    ],
  },
  {
    name: 'pieces of a streamed response',
    config: mode({ ...RESPONSE_ONLY, response_body_mode: 'STREAMED' }),
    upstream: [
      {
        raw: [
          { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n' },
          { raw: 'abc', afterMs: 60 },
          { raw: 'def', afterMs: 60 },
        ],
      },
    ],
    answers: [
      pass('response_headers'),
      body('response', 'A'),
      common('response_body', { body_mutation: { clear_body: true } }),
      pass('response_body'),
    ],
  },
  {
    name: 'allowed content-length',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'STREAMED' }, { allow_content_length_header: true }),
    requests: [POST],
  },
];

const mutations: readonly RemoteRow[] = [
  {
    name: 'request headers set, added and removed',
    config: mode(REQUEST_ONLY),
    requests: [
      {
        headers: [
          ['x-a', '1'],
          ['x-b', '1'],
          ['x-c', '1'],
          ['x-d', '1'],
        ],
      },
    ],
    answers: [
      heads({
        set_headers: [
          option('x-a', 'set'),
          option('x-b', 'more', { append: true }),
          option('x-new', 'new', { append: true }),
          option('X-Upper', 'new'),
          { header: { key: 'x-value', value: 'text' } },
          {},
        ],
        remove_headers: ['x-c', 'X-D', 'x-gone'],
      }),
    ],
  },
  ...['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'].map(
    (append_action): RemoteRow => ({
      name: `request headers by ${append_action}`,
      config: mode(REQUEST_ONLY),
      requests: [
        {
          headers: [
            ['x-a', '1'],
            ['x-b', '1'],
            ['x-b', '2'],
          ],
        },
      ],
      answers: [heads({ set_headers: ['x-a', 'x-b', 'x-none'].map((key) => option(key, 'new', { append_action })) })],
    }),
  ),
  {
    name: 'response headers set and removed',
    config: mode(RESPONSE_ONLY),
    upstream: [upstream('x-a: 1\r\nx-b: 1\r\nx-c: 1\r\n')],
    answers: [
      answerHeads({
        set_headers: [option('x-a', 'set'), option('x-b', 'more', { append: true }), option('x-new', 'new')],
        remove_headers: ['x-c'],
      }),
    ],
  },
  {
    name: 'another status',
    config: mode(RESPONSE_ONLY),
    answers: [answerHeads({ set_headers: [option(':status', '418')] })],
  },
  {
    name: 'a status that is none',
    config: mode(RESPONSE_ONLY),
    answers: [answerHeads({ set_headers: [option(':status', '100')] })],
  },
  { name: 'path', config: mode(REQUEST_ONLY), answers: [heads({ set_headers: [option(':path', '/new?q=1')] })] },
  {
    name: 'host, which rules keep',
    config: mode(REQUEST_ONLY),
    answers: [
      heads({
        set_headers: [
          option('host', 'new.test'),
          option(':authority', 'new.test'),
          option(':method', 'PUT'),
          option(':scheme', 'https'),
        ],
      }),
    ],
  },
  {
    name: 'host, allowed',
    config: mode(REQUEST_ONLY, { mutation_rules: { allow_all_routing: true } }),
    answers: [heads({ set_headers: [option('host', 'new.test'), option(':method', 'PUT')] })],
  },
  {
    name: 'x-envoy headers, which rules keep',
    config: mode(REQUEST_ONLY),
    answers: [heads({ set_headers: [option('x-envoy-a', '1')], remove_headers: ['x-envoy-b', ':path', 'host'] })],
  },
  {
    name: 'rules that forbid all',
    config: mode(REQUEST_ONLY, { mutation_rules: { disallow_all: true } }),
    answers: [heads({ set_headers: [option('x-a', '1')] })],
  },
  {
    name: 'rules whose breach is an error',
    config: mode(REQUEST_ONLY, { mutation_rules: { disallow_all: true, disallow_is_error: true } }),
    answers: [heads({ set_headers: [option('x-a', '1')] })],
  },
  {
    name: 'removal whose breach is an error',
    config: mode(REQUEST_ONLY, { mutation_rules: { disallow_all: true, disallow_is_error: true } }),
    answers: [heads({ remove_headers: ['x-a'] })],
  },
  { name: 'a name that is none', config: mode(REQUEST_ONLY), answers: [heads({ set_headers: [option('x a', '1')] })] },
  {
    name: 'a value that is none',
    config: mode(REQUEST_ONLY),
    answers: [heads({ set_headers: [option('x-a', 'a\nb')] })],
  },
  { name: 'a removed name that is none', config: mode(REQUEST_ONLY), answers: [heads({ remove_headers: ['x a'] })] },
  {
    name: 'value and raw value',
    config: mode(REQUEST_ONLY),
    answers: [heads({ set_headers: [{ header: { key: 'x-a', value: '1', raw_value: base64('2') } }] })],
  },
  {
    name: 'an empty value',
    config: mode(REQUEST_ONLY),
    requests: [{ headers: { 'x-a': '1' } }],
    answers: [heads({ set_headers: [option('x-a', '')] })],
  },
  {
    name: 'a response error after a mutation that may not be',
    config: mode(RESPONSE_ONLY, { mutation_rules: { disallow_all: true, disallow_is_error: true } }),
    answers: [answerHeads({ set_headers: [option('x-a', '1')] })],
  },
];

const bodies: readonly RemoteRow[] = [
  {
    name: 'another request body of the same length',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [pass('request_headers'), body('request', 'HELLO')],
  },
  {
    name: 'another request body of another length',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [pass('request_headers'), body('request', 'longer than before')],
  },
  {
    name: 'another request body and length',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [
      pass('request_headers'),
      body('request', 'longer', { header_mutation: { set_headers: [option('content-length', '6')] } }),
    ],
  },
  {
    name: 'another request body, length removed',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [heads({ remove_headers: ['content-length'] }), body('request', 'longer')],
  },
  {
    name: 'no request body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [{ method: 'POST', chunked: true, body: 'hello' }],
    answers: [pass('request_headers'), common('request_body', { body_mutation: { clear_body: true } })],
  },
  {
    name: 'headers with a buffered body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [
      pass('request_headers'),
      common('request_body', { header_mutation: { set_headers: [option('x-a', '1')] } }),
    ],
  },
  {
    name: 'headers with a streamed body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'STREAMED' }),
    requests: [POST],
    answers: [
      pass('request_headers'),
      common('request_body', { header_mutation: { set_headers: [option('x-a', '1')] } }),
    ],
  },
  {
    name: 'another response body and length',
    config: mode({ ...RESPONSE_ONLY, response_body_mode: 'BUFFERED' }),
    answers: [
      pass('response_headers'),
      body('response', 'longer', { header_mutation: { set_headers: [option('content-length', '6')] } }),
    ],
  },
  {
    name: 'another response body of another length',
    config: mode({ ...RESPONSE_ONLY, response_body_mode: 'BUFFERED' }),
    answers: [pass('response_headers'), body('response', 'longer')],
  },
  {
    name: 'another streamed body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'STREAMED' }),
    requests: [POST],
    answers: [pass('request_headers'), body('request', 'longer than before')],
  },
  {
    name: 'another partial body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED_PARTIAL' }),
    requests: [POST],
    answers: [
      pass('request_headers'),
      body('request', 'longer than before', { header_mutation: { set_headers: [option('x-a', '1')] } }),
    ],
  },
  {
    name: 'a partial body that is too long',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED_PARTIAL' }),
    requests: [{ method: 'POST', body: 'x'.repeat(40_000) }],
    answers: [pass('request_headers'), body('request', 'short')],
    without: ['backends'],
  },
  {
    name: 'replaced request with a body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [
      common('request_headers', {
        status: 'CONTINUE_AND_REPLACE',
        body_mutation: { body: base64('replaced') },
        header_mutation: { set_headers: [option(':method', 'PUT')] },
      }),
    ],
  },
  {
    name: 'replaced request without a body',
    config: mode(REQUEST_ONLY),
    answers: [
      common('request_headers', { status: 'CONTINUE_AND_REPLACE', body_mutation: { body: base64('replaced') } }),
    ],
  },
  {
    name: 'replaced request, body left',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [common('request_headers', { status: 'CONTINUE_AND_REPLACE' })],
  },
  {
    name: 'replaced response',
    config: mode(RESPONSE_ONLY),
    answers: [
      common('response_headers', { status: 'CONTINUE_AND_REPLACE', body_mutation: { body: base64('replaced') } }),
    ],
  },
  {
    name: 'a body mutation with a head that is not replaced',
    config: mode(REQUEST_ONLY),
    requests: [POST],
    answers: [common('request_headers', { body_mutation: { body: base64('replaced') } })],
  },
  {
    name: 'too much for a buffer',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [{ method: 'POST', body: 'x'.repeat(1_100_000) }],
    without: ['backends', 'stats', 'log', 'fate'],
  },
];

const trailing = (kind: 'request' | 'response', more: Json = {}): Json =>
  mode({ ...(kind === 'request' ? REQUEST_ONLY : RESPONSE_ONLY), [`${kind}_trailer_mode`]: 'SEND', ...more });
const withTrailers =
  'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\nx-u: 1\r\n\r\n';
const answerWithTrailers: Behaviour = {
  raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n',
};
const KEEP = { http_protocol_options: { enable_trailers: true } };
const trailerReply = (kind: 'request' | 'response'): Behaviour =>
  reply({ [`${kind}_trailers`]: { header_mutation: { set_headers: [option('x-n', '1')], remove_headers: ['x-t'] } } });

const trailers: readonly RemoteRow[] = [
  {
    name: 'request trailers',
    config: trailing('request'),
    requests: [withTrailers],
    manager: KEEP,
    answers: [pass('request_headers'), trailerReply('request')],
  },
  ...['BUFFERED', 'STREAMED', 'BUFFERED_PARTIAL'].map(
    (request_body_mode): RemoteRow => ({
      name: `request trailers after a body, ${request_body_mode}`,
      config: trailing('request', { request_body_mode }),
      requests: [withTrailers],
      manager: KEEP,
      answers: [pass('request_headers'), body('request', 'ABCD'), trailerReply('request')],
    }),
  ),
  {
    name: 'request trailers not shown',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [withTrailers],
    manager: KEEP,
  },
  { name: 'request trailers that there are not', config: trailing('request'), requests: [POST], manager: KEEP },
  {
    name: 'request trailers alone',
    config: mode({ ...REQUEST_ONLY, ...RESPONSE_ONLY, request_trailer_mode: 'SEND' }),
    requests: [withTrailers],
    manager: KEEP,
    answers: [trailerReply('request')],
  },
  {
    name: 'trailers of no body',
    config: trailing('request', { request_body_mode: 'BUFFERED' }),
    requests: ['POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-t: 1\r\n\r\n'],
    manager: KEEP,
    answers: [pass('request_headers'), trailerReply('request')],
  },
  {
    name: 'response trailers not kept',
    difference: 'chunked-response-head',
    config: trailing('response'),
    upstream: [answerWithTrailers],
    manager: KEEP,
  },
];

const immediate = (more: Json): Behaviour => reply({ immediate_response: more });
const answers: readonly RemoteRow[] = [
  {
    name: 'an immediate answer',
    config: config(),
    answers: [
      immediate({
        status: { code: 'Forbidden' },
        body: base64('go away'),
        details: 'because I say so',
        headers: {
          set_headers: [option('x-why', 'a'), option('content-type', 'text/x'), option('x-envoy-a', '1')],
          remove_headers: ['date'],
        },
      }),
    ],
  },
  {
    name: 'an immediate answer without words',
    difference: 'answer-without-details',
    config: config(),
    answers: [immediate({ status: { code: 'TooManyRequests' } })],
  },
  {
    name: 'an immediate answer without a status',
    difference: 'answer-without-details',
    config: config(),
    answers: [immediate({})],
  },
  {
    name: 'an immediate answer for gRPC',
    config: config(),
    requests: [{ method: 'POST', headers: { 'content-type': 'application/grpc' } }],
    answers: [immediate({ status: { code: 'Forbidden' }, grpc_status: { status: 8 }, details: 'x' })],
  },
  {
    name: 'an immediate answer to a body',
    difference: 'answer-without-details',
    config: mode({ request_body_mode: 'BUFFERED' }),
    requests: [POST],
    answers: [pass('request_headers'), immediate({ status: { code: 'Conflict' }, body: base64('no') })],
  },
  {
    name: 'an immediate answer to a response',
    config: mode(RESPONSE_ONLY),
    answers: [immediate({ status: { code: 'BadGateway' }, body: base64('no'), details: 'x' })],
  },
  {
    name: 'an immediate answer to a streamed response',
    config: mode({ ...RESPONSE_ONLY, response_body_mode: 'STREAMED' }),
    upstream: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n' }, { raw: 'abc', afterMs: 80 }] }],
    answers: [pass('response_headers'), immediate({ status: { code: 'BadGateway' }, details: 'x' })],
  },
  {
    name: 'an immediate answer that is not allowed',
    config: config({ disable_immediate_response: true }),
    answers: [immediate({ status: { code: 'Forbidden' } })],
  },
  {
    name: 'an immediate answer that is not allowed, failures let pass',
    config: config({ disable_immediate_response: true, failure_mode_allow: true }),
    answers: [immediate({ status: { code: 'Forbidden' } })],
  },
];

const failures: readonly RemoteRow[] = [false, true].flatMap((failure_mode_allow): readonly RemoteRow[] => {
  const how = failure_mode_allow ? 'let pass' : 'refused';
  const more = { failure_mode_allow };
  return [
    { name: `a server that is gone, ${how}`, config: config({ ...more, grpc_service: GRPC_DOWN }) },
    { name: `no server, ${how}`, config: config({ ...more, grpc_service: { envoy_grpc: { cluster_name: 'empty' } } }) },
    { name: `an error for the head, ${how}`, config: config(more), answers: [{ status: 13, message: 'no' }] },
    {
      name: `an error for a body, ${how}`,
      config: mode({ request_body_mode: 'BUFFERED' }, more),
      requests: [POST],
      answers: [pass('request_headers'), { status: 7, message: 'no' }],
    },
    {
      name: `an error for a response, ${how}`,
      config: config(more),
      answers: [pass('request_headers'), { status: 14, message: 'no' }],
    },
    {
      name: `an error for a streamed response, ${how}`,
      config: mode({ ...RESPONSE_ONLY, response_body_mode: 'STREAMED' }, more),
      answers: [pass('response_headers'), { status: 14, message: 'no' }],
    },
    { name: `the end of the stream, ${how}`, config: config(more), answers: [{ status: 0 }] },
    {
      name: `the end of the stream at a body, ${how}`,
      config: mode({ request_body_mode: 'BUFFERED' }, more),
      requests: [POST],
      answers: [pass('request_headers'), { status: 0 }],
    },
    { name: `a slow head, ${how}`, config: config({ ...more, message_timeout: '0.05s' }), answers: ['hang'] },
    {
      name: `a slow body, ${how}`,
      config: mode({ request_body_mode: 'BUFFERED' }, { ...more, message_timeout: '0.05s' }),
      requests: [POST],
      answers: [pass('request_headers'), 'hang'],
    },
    {
      name: `a slow response, ${how}`,
      config: config({ ...more, message_timeout: '0.05s' }),
      answers: [pass('request_headers'), 'hang'],
    },
    { name: `an answer to what was not asked, ${how}`, config: config(more), answers: [pass('response_headers')] },
    { name: `an answer of another kind, ${how}`, config: config(more), answers: [pass('request_body')] },
    { name: `an empty answer, ${how}`, config: config(more), answers: [reply({})] },
    {
      name: `two answers, ${how}`,
      // Whether the upstream is asked before the second one is read is a matter of time.
      without: ['backends', 'stats'],
      config: config(more),
      answers: [{ reply: [{ request_headers: {} }, { request_headers: {} }] }],
      upstream: [{ raw: [{ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', afterMs: 60 }] }],
    },
    {
      name: `a mutation that may not be, ${how}`,
      config: config({ ...more, mutation_rules: { disallow_all: true, disallow_is_error: true } }),
      answers: [heads({ set_headers: [option('x-a', '1')] })],
    },
  ];
});

const more: readonly RemoteRow[] = [
  {
    name: 'another status for errors',
    config: config({ grpc_service: GRPC_DOWN, status_on_error: { code: 'ServiceUnavailable' } }),
  },
  {
    name: 'another status for timeouts',
    config: config({ message_timeout: '0.05s', status_on_error: { code: 'ServiceUnavailable' } }),
    answers: ['hang'],
  },
  {
    name: 'another status for mutations',
    config: mode(REQUEST_ONLY, {
      mutation_rules: { disallow_all: true, disallow_is_error: true },
      status_on_error: { code: 'ServiceUnavailable' },
    }),
    answers: [heads({ set_headers: [option('x-a', '1')] })],
  },
  {
    name: 'more time',
    config: config({ message_timeout: '0.1s', max_message_timeout: '5s' }),
    answers: [{ reply: [{ override_message_timeout: '2s' }, { request_headers: {} }] }],
  },
  {
    name: 'more time than allowed',
    config: config({ message_timeout: '0.1s', max_message_timeout: '1s' }),
    answers: [{ reply: [{ override_message_timeout: '2s' }] }],
  },
  {
    name: 'more time, not allowed',
    config: config({ message_timeout: '0.1s' }),
    answers: [{ reply: [{ override_message_timeout: '0.2s' }] }],
  },
  {
    name: 'another mode',
    config: config({ allow_mode_override: true }),
    requests: [POST],
    answers: [
      heads({}, {}, { mode_override: { request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } }),
      body('request', 'HELLO'),
    ],
  },
  {
    name: 'another mode, not allowed',
    config: config(),
    requests: [POST],
    answers: [heads({}, {}, { mode_override: { request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } })],
  },
  {
    name: 'another mode, listed',
    config: config({
      allow_mode_override: true,
      allowed_override_modes: [{ request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' }],
    }),
    requests: [POST],
    answers: [
      heads(
        {},
        {},
        { mode_override: { request_header_mode: 'SKIP', request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } },
      ),
    ],
  },
  {
    name: 'another mode, not listed',
    config: config({ allow_mode_override: true, allowed_override_modes: [{ request_body_mode: 'STREAMED' }] }),
    requests: [POST],
    answers: [heads({}, {}, { mode_override: { request_body_mode: 'BUFFERED', response_header_mode: 'SKIP' } })],
  },
  {
    name: 'headers that are told',
    config: mode(REQUEST_ONLY, {
      forward_rules: { allowed_headers: { patterns: [{ exact: ':path' }, { prefix: 'x-a' }] } },
    }),
    requests: [{ headers: { 'x-a': '1', 'x-ab': '2', 'x-b': '3' } }],
  },
  {
    name: 'headers that are not told',
    config: mode(REQUEST_ONLY, {
      forward_rules: { disallowed_headers: { patterns: [{ exact: ':path' }, { prefix: 'x-a' }] } },
    }),
    requests: [{ headers: { 'x-a': '1', 'x-ab': '2', 'x-b': '3' } }],
  },
  {
    name: 'headers of both lists',
    config: mode(REQUEST_ONLY, {
      forward_rules: {
        allowed_headers: { patterns: [{ prefix: 'x-' }] },
        disallowed_headers: { patterns: [{ exact: 'x-a' }] },
      },
    }),
    requests: [{ headers: { 'x-a': '1', 'x-ab': '2', 'x-b': '3' } }],
  },
  { name: 'another prefix of statistics', config: config({ stat_prefix: 'mine' }) },
  {
    name: 'metadata told and taken',
    config: mode(REQUEST_ONLY, {
      metadata_options: {
        forwarding_namespaces: { untyped: ['first', 'gone'] },
        receiving_namespaces: { untyped: [filter.name] },
      },
    }),
    before: [
      {
        name: 'first',
        typed_config: typed('envoy.extensions.filters.http.fault.v3.HTTPFault', {
          filter_metadata: { a: 'b' },
          delay: { percentage: { numerator: 100 }, fixed_delay: '0.001s' },
        }),
      },
    ],
    answers: [heads({}, {}, { dynamic_metadata: { [filter.name]: { a: 'b', n: 1 }, other: { x: 1 } } })],
  },
  {
    name: 'metadata taken',
    config: mode(REQUEST_ONLY, {
      metadata_options: {
        forwarding_namespaces: { untyped: ['gone'] },
        receiving_namespaces: { untyped: [filter.name] },
      },
    }),
    answers: [heads({}, {}, { dynamic_metadata: { [filter.name]: { a: 'b', n: 1 }, other: { x: 1 } } })],
  },
  {
    name: 'metadata not taken',
    config: mode(REQUEST_ONLY),
    answers: [heads({}, {}, { dynamic_metadata: { [filter.name]: { a: 'b' } } })],
  },
  {
    name: 'initial metadata',
    config: config({
      grpc_service: { ...GRPC, initial_metadata: [{ key: 'x-m', value: '%REQ(:PATH)%' }], timeout: '3s' },
    }),
  },
  { name: 'no route', config: config(), routes: [] },
  {
    name: 'a route that answers',
    config: config(),
    routes: [{ match: { prefix: '/' }, direct_response: { status: 404, body: { inline_string: 'none' } } }],
  },
  { name: 'turned off on the route', config: config(), level: perRoute({ disabled: true }) },
  {
    name: 'another mode on the route',
    config: config(),
    level: overrides({ processing_mode: { request_header_mode: 'SKIP' } }),
  },
  {
    name: 'another server on the route',
    config: config({ grpc_service: GRPC_DOWN }),
    level: overrides({ grpc_service: GRPC, grpc_initial_metadata: [{ key: 'x-m', value: '1' }] }),
  },
  {
    name: 'failures let pass on the route',
    config: config({ grpc_service: GRPC_DOWN }),
    level: overrides({ failure_mode_allow: true }),
  },
  {
    name: 'levels together',
    config: config({ grpc_service: GRPC_DOWN }),
    host: overrides({
      grpc_service: GRPC,
      grpc_initial_metadata: [
        { key: 'x-m', value: '1' },
        { key: 'x-n', value: '1' },
      ],
    }),
    level: overrides({
      processing_mode: { response_header_mode: 'SKIP' },
      grpc_initial_metadata: [{ key: 'x-m', value: '2' }],
    }),
  },
];

const twoRoutes: readonly Json[] = [
  { match: { prefix: '/new' }, route: { cluster: 'c2' }, name: 'new' },
  { match: { prefix: '/' }, route: { cluster: 'c0' }, name: 'old' },
];
const toNew = (clear: boolean, header = true): readonly Behaviour[] => [
  common('request_headers', {
    ...(header ? { header_mutation: { set_headers: [option(':path', '/new')] } } : {}),
    clear_route_cache: clear,
  }),
];
const routing: readonly RemoteRow[] = [
  { name: 'the route stays', config: mode(REQUEST_ONLY), routes: twoRoutes, answers: toNew(false) },
  { name: 'the route is found again', config: mode(REQUEST_ONLY), routes: twoRoutes, answers: toNew(true) },
  {
    name: 'the route is found again without a mutation',
    config: mode(REQUEST_ONLY),
    routes: twoRoutes,
    answers: toNew(true, false),
  },
  {
    name: 'the route stays by configuration',
    config: mode(REQUEST_ONLY, { route_cache_action: 'RETAIN' }),
    routes: twoRoutes,
    answers: toNew(true),
  },
  {
    name: 'the route stays by the old flag',
    config: mode(REQUEST_ONLY, { disable_clear_route_cache: true }),
    routes: twoRoutes,
    answers: toNew(true),
  },
  {
    name: 'the route is found again by configuration',
    config: mode(REQUEST_ONLY, { route_cache_action: 'CLEAR' }),
    routes: twoRoutes,
    answers: toNew(false),
  },
  {
    name: 'the route is found again at a body',
    config: mode({ ...REQUEST_ONLY, request_body_mode: 'BUFFERED' }),
    requests: [POST],
    routes: twoRoutes,
    answers: [
      pass('request_headers'),
      common('request_body', { header_mutation: { set_headers: [option(':path', '/new')] }, clear_route_cache: true }),
    ],
  },
];

const about = { feature: 'ext_proc filter', stats: [/ext_proc/] };

const refused: readonly Scenario[] = (
  [
    ['a message_timeout that is too long', config({ message_timeout: '3601s' })],
    ['a mode that there is not', mode({ request_body_mode: 'MAYBE' })],
    ['forward rules without patterns', config({ forward_rules: { allowed_headers: {} } })],
    ['two ways about the route cache', config({ disable_clear_route_cache: true, route_cache_action: 'CLEAR' })],
    ['no server', {}],
  ] as const
).map(
  ([name, json]): Scenario => ({
    ...remoteScenario({ ...about, name: `refused: ${name}` }, filter, [{ name, config: json }]),
    validateOnly: true,
  }),
);

export const scenarios: readonly Scenario[] = [
  ...Object.entries({ modes, mutations, bodies, trailers, answers, failures, more, routing }).map(([name, rows]) =>
    remoteScenario({ ...about, name: `ext_proc: ${name}` }, filter, rows),
  ),
  ...refused,
];
