import assert from 'node:assert/strict';
import { compileJsonFormat } from '../../src/proxy/format/json.ts';
import { textOf } from '../../src/proxy/format/line.ts';
import { compileFormat, compileLine } from '../../src/proxy/format/substitution.ts';
import { RequestHead, ResponseHead } from '../../src/proxy/http/head.ts';
import { StreamInfo } from '../../src/proxy/http/stream-info.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const NAMES = [
  ...[
    'REQ',
    'RESP',
    'TRAILER',
    'REQUEST_HEADER',
    'RESPONSE_HEADER',
    'RESPONSE_CODE',
    'RESPONSE_FLAGS',
    'PROTOCOL',
    'START_TIME',
  ],
  ...[
    'DURATION',
    'BYTES_SENT',
    'RESPONSE_CODE_DETAILS',
    'UPSTREAM_HOST',
    'UPSTREAM_CLUSTER',
    'DOWNSTREAM_REMOTE_ADDRESS',
  ],
  ...[
    'DYNAMIC_METADATA',
    'CLUSTER_METADATA',
    'FILTER_STATE',
    'QUERY_PARAM',
    'QUERY_PARAMS',
    'PATH',
    'GRPC_STATUS',
    'COMMON_DURATION',
  ],
  ...[
    'ROUTE_NAME',
    'HOSTNAME',
    'LOCAL_REPLY_BODY',
    'EMIT_TIME',
    'ENVIRONMENT',
    'STREAM_ID',
    'REQUEST_DURATION',
    'METADATA',
    'NOPE',
  ],
];
const ARGUMENTS = [
  '',
  'X',
  ':PATH',
  'X?Y',
  'a:b',
  '%s',
  '%Y-%m-%dT%H:%M:%S.%3fZ',
  'a:b:c',
  'X?',
  '?',
  'ORIG',
  'NQ',
  'SNAKE',
  'US_RX_BEG:DS_TX_END:ms',
  '%1f%2f%9f%E%%',
  ')',
];
const SIZES = ['', '', '', ':0', ':3', ':99999999999', ':-1', ':x', ':'];
const here = { address: '127.0.0.1', port: 1 };

function command(random: Random): string {
  const argument = random.chance(0.5) ? '' : `(${random.pick(ARGUMENTS)})`;
  return `%${random.pick(NAMES)}${argument}${random.pick(SIZES)}${random.chance(0.97) ? '%' : ''}`;
}

function make(random: Random): string {
  let text = '';
  for (let count = 1 + random.below(4); count > 0; count--)
    text += random.chance(0.3) ? random.pick(['a', ' ', '%%', '"\n', '\xe9', '']) : command(random);
  return text;
}

/** A request with odd values wherever a format can reach. */
function stream(random: Random): StreamInfo {
  const info = new StreamInfo({ remote: here, directRemote: here, local: here });
  const odd = () => random.pick(['', 'v', '"\\\n\0', '\xff\xe9', '%REQ(X)%', 'a'.repeat(3000), '%4', '?a=%zz&b']);
  info.request = new RequestHead();
  info.request.method = 'GET';
  info.request.path = `/${odd()}`;
  info.request.headers.add('x', odd());
  if (random.chance(0.5)) info.response = new ResponseHead();
  info.response?.headers.add('x', odd());
  info.response?.headers.add('grpc-status', odd());
  info.status = random.pick([0, 200, 503]);
  info.details = odd();
  info.routeName = odd();
  return info;
}

/** No format that is taken fails on any request, and its forms agree. */
function check(text: string, random: Random): void {
  const info = stream(random);
  const plain = compileFormat(text);
  const line = compileLine(text, '-');
  assert.equal(plain.ok, line.ok, 'the forms disagree on what is valid');
  if (plain.ok && line.ok && !/DURATION|TIME|STREAM_ID/.test(text)) {
    const expected = Buffer.from(plain.value(info), 'latin1').toString('latin1');
    assert.equal(textOf(line.value)(info), expected, 'the forms disagree');
  } else if (line.ok) textOf(line.value)(info);
  for (const omit of [false, true]) {
    const json = compileJsonFormat({ a: text, b: { c: [text, 1, null] } }, omit);
    assert.equal(json.ok, plain.ok, 'JSON disagrees on what is valid');
    if (json.ok) JSON.parse(textOf(json.value)(info));
  }
}

export const formats: Target = {
  name: 'format',
  words: [...NAMES, ...ARGUMENTS, ...SIZES, '%', '(', ')', '%REQ(X)%', '%START_TIME(', '%3f'],
  make,
  run: check,
};
