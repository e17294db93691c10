import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NodePlan, plan, type Secret } from './index.ts';
import { policySecrets } from './policies.ts';
import { egress, ingress } from './test-support/policies.ts';
import { client, echoSame, walkthroughWorld } from './test-support/walkthrough.ts';
import { podAddress } from './test-support/world.ts';
import { requestAfter, requestVerdict } from './verdicts/request.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret = (name: string, data: Readonly<Record<string, string>>): Secret => ({
  metadata: { name, namespace: 'cilium-test' },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const matching = (headerMatches: readonly object[]): readonly object[] => [
  { ports: [{ port: '8080', protocol: 'TCP' }], rules: { http: [{ method: 'GET', headerMatches }] } },
];
const planWith = (headerMatches: readonly object[], secrets: readonly Secret[] = []): NodePlan =>
  plan(walkthroughWorld({ policies: [egress({ toPorts: matching(headerMatches) })], secrets }));
const request = (headers: Readonly<Record<string, string>>) =>
  ({ client: podAddress(client), backend: podAddress(echoSame), port: 8080, path: '/', headers }) as const;

type Case = readonly [
  name: string,
  match: object,
  data: Record<string, string> | undefined,
  header: string | undefined,
  allowed: boolean,
  after?: string | undefined,
];

const cases: readonly Case[] = [
  ['a Secret is compared', { secret: { name: 's' } }, { token: 'v' }, 'v', true, 'v'],
  ['another value is refused', { secret: { name: 's' } }, { token: 'v' }, 'w', false],
  ['a Secret goes before the value', { secret: { name: 's' }, value: 'w' }, { token: 'v' }, 'w', false],
  ['without the Secret the value counts', { secret: { name: 's' }, value: 'w' }, undefined, 'w', true, 'w'],
  ['without either nothing passes', { secret: { name: 's' } }, undefined, 'v', false],
  ['nor does it with an action', { secret: { name: 's' }, mismatch: 'LOG' }, undefined, 'v', false],
  ['a Secret with two entries is none', { secret: { name: 's' } }, { a: 'v', b: 'v' }, 'v', false],
  ['an empty one asks for presence', { secret: { name: 's' } }, { a: '' }, 'anything', true, 'anything'],
  ['one with a line break is none', { secret: { name: 's' }, mismatch: 'REPLACE' }, { a: 'v\n' }, 'v', false],
  ['LOG lets pass', { value: 'v', mismatch: 'LOG' }, undefined, 'w', true, 'w'],
  ['ADD adds', { value: 'v', mismatch: 'ADD' }, undefined, 'w', true, 'w,v'],
  ['DELETE deletes', { value: 'v', mismatch: 'DELETE' }, undefined, 'w', true, undefined],
  ['REPLACE replaces', { secret: { name: 's' }, mismatch: 'REPLACE' }, { a: 'v' }, 'w', true, 'v'],
];

for (const [name, match, data, header, allowed, after] of cases) {
  test(`header matches: ${name}`, () => {
    const made = planWith([{ name: 'X-Auth', ...match }], data ? [secret('s', data)] : []);
    const asked = request(header === undefined ? {} : { 'x-auth': header });
    assert.equal(requestVerdict(made, asked).allowed, allowed);
    if (allowed) assert.equal(requestAfter(made, asked, 'egress').headers?.['x-auth'], after);
  });
}

test('what is wrong with a Secret is said of the policy, its value is not', () => {
  const message = (...args: Parameters<typeof planWith>) => planWith(...args).reports[0]?.condition;
  const match = [{ name: 'X-Auth', secret: { name: 's' } }];
  const rule = 'spec.egress[0].toPorts[0].rules.http[0]: header X-Auth';
  const rest = 'the rest of the policy is in force';
  assert.deepEqual(message(match), {
    type: 'Valid',
    status: 'False',
    reason: 'Incomplete',
    message: `${rule}: secrets "s" not found: the rule matches no request; ${rest}`,
  });
  const two = message(match, [secret('s', { a: 'hidden', b: 'hidden' })])?.message;
  assert.equal(two, `${rule}: Secret cilium-test/s must have exactly one item: the rule matches no request; ${rest}`);
  const broken = message(match, [secret('s', { a: 'hidden\n' })])?.message ?? '';
  assert.match(broken, /Secret cilium-test\/s holds what cannot stand in a header/);
  assert.ok(!broken.includes('hidden'));
  assert.equal(message(match, [secret('s', { a: 'v' })])?.status, 'True');
});

test('the rules of the other direction see what the actions leave', () => {
  const policies = [
    egress({ toPorts: matching([{ name: 'X-Auth', value: 'v', mismatch: 'REPLACE' }]) }),
    ingress({ toPorts: matching([{ name: 'X-Auth', value: 'v' }]) }),
  ];
  assert.equal(requestVerdict(plan(walkthroughWorld({ policies })), request({ 'x-auth': 'w' })).allowed, true);
});

test('which Secrets policies name, refused ones too', () => {
  const world = walkthroughWorld({
    policies: [
      egress({
        toPorts: matching([
          { name: 'a', secret: { name: 's' } },
          { name: 'b', secret: { name: 't', namespace: 'n' } },
        ]),
      }),
      ingress({
        toPorts: [
          {
            ports: [{ port: '443', protocol: 'TCP' }],
            terminatingTLS: { secret: { name: 'u' } },
            rules: { http: [{ headerMatches: [{ name: 'a', secret: { name: 's' } }] }] },
          },
        ],
      }),
    ],
  });
  assert.deepEqual(
    policySecrets(world).map(({ namespace, name }) => `${namespace}/${name}`),
    ['cilium-test/s', 'cilium-test/u', 'n/t'],
  );
});
