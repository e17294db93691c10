import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer as DnsRecord, encode } from 'dns-packet';
import { readAnswer, readQuestion } from './message.ts';

const query = encode({ type: 'query', id: 7, flags: 256, questions: [{ type: 'A', name: 'www.example.org' }] });
const question = readQuestion(query);
assert.ok(question);

const address = (name: string, data: string, ttl: number): DnsRecord => ({ type: 'A', name, data, ttl });
const alias = (name: string, data: string, ttl: number): DnsRecord => ({ type: 'CNAME', name, data, ttl });

const cases: readonly (readonly [string, readonly DnsRecord[], readonly string[], number])[] = [
  ['addresses of the name', [address('WWW.example.org', '1.1.1.1', 9)], ['1.1.1.1'], 9],
  [
    'a chain counts for the name that was asked, with its smallest time',
    [
      alias('www.example.org', 'cdn.example.net', 60),
      alias('cdn.example.net', 'edge.example.net', 5),
      address('edge.example.net', '1.1.1.1', 30),
      address('edge.example.net', '1.1.1.2', 20),
    ],
    ['1.1.1.1', '1.1.1.2'],
    5,
  ],
  [
    'records of names that nobody asked for do not count',
    [address('www.example.org', '1.1.1.1', 9), address('bank.example', '6.6.6.6', 1)],
    ['1.1.1.1'],
    9,
  ],
  ['an alias alone', [alias('www.example.org', 'cdn.example.net', 60)], [], 60],
  ['nothing', [], [], 0xffffffff],
];

for (const [name, answers, addresses, ttl] of cases) {
  test(name, () => {
    const message = encode({
      type: 'response',
      id: 7,
      questions: [{ type: 'A', name: 'www.example.org' }],
      answers: [...answers],
    });
    const answer = readAnswer(message, question);
    assert.deepEqual([answer?.addresses, answer?.ttl], [addresses, ttl]);
  });
}
