import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Issue } from '../../../base/index.ts';
import { type Fields, type JsonObject, readMessage } from '../../config/fields.ts';
import { RequestHead } from '../../http/head.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { RbacSubject } from './condition.ts';
import { readEngine } from './engine.ts';

interface Outcome {
  readonly policy: string | undefined;
  readonly headers: string;
  readonly missing: unknown;
  readonly rejected: unknown;
}

function judge(policies: unknown, sent: readonly (readonly [string, string])[]): Outcome {
  const issues: Issue[] = [];
  const engine = readMessage({ policies } as JsonObject, '', issues, (fields: Fields) => readEngine(fields));
  assert.deepEqual(issues, []);
  const head = new RequestHead();
  head.path = '/';
  for (const [name, value] of sent) head.headers.add(name, value);
  const remote = { address: '10.0.0.1', port: 4000 };
  const info = new StreamInfo({ remote, directRemote: remote, local: { address: '10.9.9.9', port: 8080 } });
  info.request = head;
  const verdict = engine?.judge(Object.assign(info, { head, route: undefined }) as RbacSubject);
  return {
    policy: verdict?.policy,
    headers: head.headers
      .list()
      .map((field) => field.join(':'))
      .join(' '),
    missing: info.metadata('ciliate.rbac', ['missing_headers']),
    rejected: info.metadata('ciliate.rbac', ['rejected_headers']),
  };
}

const any = [{ any: true }];
const actions = (...headers: readonly unknown[]): unknown => ({
  matcher: {
    name: 'a',
    typed_config: { '@type': 'type.googleapis.com/ciliate.rbac.v3.HeaderActions', headers },
  },
});
const allow = (...permissions: readonly unknown[]): unknown => ({ permissions, principals: any });
const one = (action: object) => ({ p: allow(actions({ name: 'X-A', ...action })) });

const v = (value: string) => [{ key: 'x-a', value }];
const table: readonly (readonly [string, object, string, Outcome])[] = [
  [
    'FAIL lets the value pass',
    { value: 'v' },
    'v',
    { policy: 'p', headers: 'x-a:v', missing: undefined, rejected: undefined },
  ],
  [
    'FAIL refuses another',
    { value: 'v' },
    'w',
    { policy: undefined, headers: 'x-a:w', missing: v('v'), rejected: undefined },
  ],
  ['FAIL refuses none', { value: 'v' }, '', { policy: undefined, headers: '', missing: v('v'), rejected: undefined }],
  [
    'a repeated header is one value',
    { value: 'v' },
    'v,v',
    { policy: undefined, headers: 'x-a:v x-a:v', missing: v('v'), rejected: undefined },
  ],
  [
    'and may be asked for as one',
    { value: 'v,v' },
    'v,v',
    { policy: 'p', headers: 'x-a:v x-a:v', missing: undefined, rejected: undefined },
  ],
  [
    'LOG',
    { value: 'v', mismatch: 'LOG' },
    'w',
    { policy: 'p', headers: 'x-a:w', missing: v('v'), rejected: undefined },
  ],
  [
    'ADD to none',
    { value: 'v', mismatch: 'ADD' },
    '',
    { policy: 'p', headers: 'x-a:v', missing: v('v'), rejected: undefined },
  ],
  [
    'ADD to another',
    { value: 'v', mismatch: 'ADD' },
    'w',
    { policy: 'p', headers: 'x-a:w x-a:v', missing: v('v'), rejected: undefined },
  ],
  [
    'DELETE another',
    { value: 'v', mismatch: 'DELETE' },
    'w',
    { policy: 'p', headers: '', missing: undefined, rejected: v('w') },
  ],
  [
    'DELETE none',
    { value: 'v', mismatch: 'DELETE' },
    '',
    { policy: 'p', headers: '', missing: undefined, rejected: undefined },
  ],
  [
    'REPLACE another',
    { value: 'v', mismatch: 'REPLACE' },
    'w',
    { policy: 'p', headers: 'x-a:v', missing: v('v'), rejected: v('w') },
  ],
  [
    'REPLACE none',
    { value: 'v', mismatch: 'REPLACE' },
    '',
    { policy: 'p', headers: 'x-a:v', missing: v('v'), rejected: undefined },
  ],
  [
    'without a value it has to be there',
    {},
    'w',
    { policy: 'p', headers: 'x-a:w', missing: undefined, rejected: undefined },
  ],
  ['and is missed', { mismatch: 'LOG' }, '', { policy: 'p', headers: '', missing: v(''), rejected: undefined }],
  [
    'a secret is not told',
    { value: 'v', sensitive: true, mismatch: 'REPLACE' },
    'w',
    { policy: 'p', headers: 'x-a:v', missing: v('[redacted]'), rejected: v('[redacted]') },
  ],
];

for (const [name, action, sent, wanted] of table) {
  test(`a header that does not match: ${name}`, () => {
    const fields = sent === '' ? [] : sent.split(',').map((value) => ['x-a', value] as const);
    assert.deepEqual(judge(one(action), fields), wanted);
  });
}

test('one that fails keeps no other from being done', () => {
  const both = actions({ name: 'x-a', value: 'v' }, { name: 'x-b', value: 'b', mismatch: 'ADD' });
  const { policy, headers } = judge({ p: allow(both) }, []);
  assert.deepEqual([policy, headers], [undefined, 'x-b:b']);
});

test('what stands before it must hold', () => {
  const header = (name: string) => ({ header: { name, present_match: true } });
  const rules = [header('x-b'), actions({ name: 'x-a', value: 'v', mismatch: 'ADD' })];
  const policies = { p: allow({ and_rules: { rules } }) };
  assert.equal(judge(policies, []).headers, '');
  assert.equal(judge(policies, [['x-b', '1']]).headers, 'x-b:1 x-a:v');
});

test('actions are done although another policy lets the request pass; that one is named', () => {
  const act = (value: string) => allow(actions({ name: `x-${value}`, value, mismatch: 'ADD' }));
  const { policy, headers } = judge({ a: allow({ any: true }), b: act('b'), c: act('c') }, []);
  assert.deepEqual([policy, headers], ['a', 'x-b:b x-c:c']);
});

test('what no header can be is refused', () => {
  const issuesOf = (action: object): string => {
    const issues: Issue[] = [];
    readMessage({ policies: one(action) } as JsonObject, '', issues, (fields: Fields) => readEngine(fields));
    return issues.map(({ path, message }) => `${path}: ${message}`).join();
  };
  const place = 'policies["p"].permissions[0].matcher.typed_config.headers[0]';
  const control = 'control characters are not allowed in a header value';
  const fixed = ':-prefixed or host headers may not be modified';
  assert.equal(issuesOf({ value: 'a\r\nb: c' }), `${place}.value: ${control}`);
  assert.equal(issuesOf({ name: 'host', mismatch: 'ADD', value: 'v' }), `${place}.name: ${fixed}`);
  assert.equal(issuesOf({ name: ':path', mismatch: 'LOG', value: 'v' }), '');
  assert.equal(issuesOf({ name: 'a b' }), `${place}.name: "a b" is not a header name`);
  assert.match(issuesOf({ mismatch: 'DROP' }), /mismatch: "DROP" is not supported/);
});
