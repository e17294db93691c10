import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { learntNamesOf, namesIn } from './learnt-names.ts';

test('names of several lookups, each address once', () => {
  const lookups = [
    { fqdn: 'a.example.', ips: ['192.0.2.2', '192.0.2.1'], source: 'lookup' },
    { fqdn: 'b.example.', ips: ['192.0.2.1'] },
    { fqdn: 'a.example.', ips: ['192.0.2.1', '192.0.2.3'], source: 'connection' },
  ];
  assert.deepEqual(
    [...(namesIn(JSON.stringify(lookups)) ?? [])],
    [
      ['a.example.', ['192.0.2.1', '192.0.2.2', '192.0.2.3']],
      ['b.example.', ['192.0.2.1']],
    ],
  );
});

for (const text of [
  '',
  '{}',
  '[null]',
  '[{"fqdn":"a."}]',
  '[{"fqdn":1,"ips":[]}]',
  '[{"fqdn":"a.","ips":["\u001b[31m"]}]',
]) {
  test(`no list of lookups: ${JSON.stringify(text)}`, () => assert.equal(namesIn(text), undefined));
}

const server = 'https://127.0.0.1:6443';

/** A home whose record names this very process. */
async function homeWith(apiPort: number): Promise<string> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'ciliate-home-'));
  const stat = await readFile(`/proc/${process.pid}/stat`, 'latin1');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  await mkdir(path.join(home, 'run'));
  const record = { pid: process.pid, startTime, apiPort, relayPort: 1, pagePort: 2, nodes: 1 };
  await writeFile(path.join(home, 'run/cluster.json'), JSON.stringify(record));
  return home;
}

/** Clusters whose agents are not asked or do not answer: what is said instead of names. */
const reasons: readonly (readonly [what: string, apiPort: number | undefined, node: string, reason: RegExp])[] = [
  ['no cluster', undefined, 'node-1', /is not the cluster of/],
  ['another cluster', 6444, 'node-1', /is not the cluster of/],
  ['no agent', 6443, 'node-1', /the agent of node-1 does not answer: .*ENOENT/],
  ['no name of a node', 6443, '../node', /is no name of a node/],
];

for (const [what, apiPort, node, reason] of reasons) {
  test(`${what}: the reason stands for the names`, async () => {
    const home = apiPort === undefined ? os.tmpdir() : await homeWith(apiPort);
    const learnt = (await learntNamesOf(server, [node], { CILIATE_HOME: home })).get(node);
    if (apiPort !== undefined) await rm(home, { recursive: true });
    assert.ok(learnt && !learnt.ok);
    assert.match(learnt.error, reason);
  });
}
