import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flow, readJsonValue } from '../../model/flow/index.ts';
import { compileSelection } from './compile.ts';

function flowOf(json: object): Flow {
  const read = readJsonValue<Flow>('flow.Flow', json);
  assert.ok(read.ok, JSON.stringify(read));
  return read.value.message;
}

const flows = [
  {
    verdict: 'DROPPED',
    source: { pod_name: 'a', labels: ['k8s:app=x'] },
    l4: { TCP: { destination_port: 80 } },
    is_reply: false,
    time: '2026-01-01T00:00:05Z',
  },
  {
    verdict: 'FORWARDED',
    source: { pod_name: 'b' },
    l7: { type: 'REQUEST', http: { method: 'GET', url: 'http://x/a' } },
    Type: 'L7',
    time: '2026-01-01T00:00:06Z',
  },
].map(flowOf);

function selected(...expressions: string[]): string {
  const compiled = compileSelection([{ experimental: { cel_expression: expressions } }], []);
  if (!compiled.ok) return compiled.error;
  return flows
    .filter(compiled.value)
    .map(({ source }) => source?.pod_name)
    .join(' ');
}

/** Expressions and the pods whose flows they pass, as the stock `hubble` 1.19 answers with these flows as its input file. */
const passing: Readonly<Record<string, string>> = {
  '_flow.verdict == Verdict.DROPPED': 'a',
  '_flow.verdict == flow.Verdict.DROPPED': 'a',
  '_flow.source.pod_name == "a"': 'a',
  '_flow.source.labels.exists(l, l.startsWith("k8s:"))': 'a',
  '_flow.l4.TCP.destination_port == 80u': 'a',
  'has(_flow.l7)': 'b',
  '!has(_flow.l4.TCP)': 'b',
  '_flow.is_reply == false': 'a',
  // What is absent has its default.
  '_flow.l7.http.code == 0u': 'a b',
  '_flow.traffic_direction == TrafficDirection.TRAFFIC_DIRECTION_UNKNOWN': 'a b',
  // What fails on a flow is not true for it.
  '_flow.source.labels[0] == "k8s:app=x"': 'a',
  '_flow.source.pod_name.matches("^a(")': '',
  '_flow.time > timestamp("2026-01-01T00:00:05Z")': 'b',
  '_flow.l7.http.url.matches("x/.$")': 'b',
  '_flow.source.pod_name in ["b", "c"] && _flow.l7.http.method == "GET"': 'b',
  '[1, 2].exists(n, n == 2)': 'a b',
};

for (const [expression, pods] of Object.entries(passing)) {
  test(`CEL: ${expression}`, () => assert.equal(selected(expression), pods));
}

test('of several expressions one has to be true', () => {
  assert.equal(selected('_flow.source.pod_name == "a"', '_flow.source.pod_name == "b"'), 'a b');
});

/** With the stock command's own texts. */
const refused: Readonly<Record<string, string>> = {
  '_flow.l4.TCP.destination_port == 80':
    "ERROR: <input>:1:31: found no matching overload for '_==_' applied to '(uint, int)'",
  '_flow.source.pod_name == 1': "ERROR: <input>:1:23: found no matching overload for '_==_' applied to '(string, int)'",
  '_flow.nope == 1': "ERROR: <input>:1:6: undefined field 'nope'",
  '_flow.source': 'got "flow.Endpoint", wanted "bool" result type',
  'Verdict.DROPED == 1': "ERROR: <input>:1:1: undeclared reference to 'Verdict' (in container 'flow')",
  'true ||\n nope': "ERROR: <input>:2:2: undeclared reference to 'nope' (in container 'flow')",
  'flow.nope == 1': "ERROR: <input>:1:1: undeclared reference to 'flow' (in container 'flow')",
};

for (const [expression, text] of Object.entries(refused)) {
  test(`CEL is refused: ${expression}`, () => {
    assert.equal(selected(expression), `error compiling CEL expression: ${text}`);
  });
}

const list = (length: number): string => `[${Array.from({ length }, (_, at) => at).join(',')}]`;

/** What strangers may send to keep a server busy. */
const hostile: readonly (readonly [what: string, expression: string, RegExp])[] = [
  ['text without end', '1 +'.repeat(2), /^error compiling CEL expression: ERROR: <input>:1:\d+: Syntax error: /],
  ['a long text', `"${'x'.repeat(5_000)}" == ""`, /longer than 4096 characters/],
  [
    'loops in loops',
    `${list(100)}.all(a, ${list(100)}.all(b, ${list(100)}.all(c, a + b + c >= 0)))`,
    /it may take \d+ steps for a flow, at most 20000 are accepted/,
  ],
  ['brackets without end', `${'('.repeat(4_000)}`, /^error compiling CEL expression: /],
];

for (const [what, expression, text] of hostile) {
  test(`CEL is bounded: ${what}`, () => assert.match(selected(expression), text));
}

test('an expression of many steps back cannot hold the server', () => {
  const slow = `_flow.l7.http.url.matches("${'(x+x+)+'.repeat(20)}y") || _flow.source.pod_name == "b"`;
  assert.equal(selected(slow), 'b');
  assert.match(selected(...Array<string>(17).fill('true')), /17 CEL expressions, at most 16 are accepted/);
});
