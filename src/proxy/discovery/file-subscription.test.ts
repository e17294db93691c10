import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { typeUrl } from '../../model/envoy/index.ts';
import { FileSubscription } from './file-subscription.ts';

const CLUSTER = `'@type': ${typeUrl.cluster}`;
const file = (...clusters: readonly string[]): string => `version_info: "7"\nresources:\n${clusters.join('')}`;
const good = (name: string, more = ''): string => `- ${CLUSTER}\n  name: ${name}\n${more}`;

test('a file tells what changed and what is gone, and its faults with line and column', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'files-'));
  const at = path.join(folder, 'cds.yaml');
  await writeFile(at, file(good('a'), good('b')));
  const seen: string[] = [];
  const subscription = new FileSubscription({
    source: { path: at, directory: folder, anyMove: false },
    url: typeUrl.cluster,
    onUpdate: async (_, { version, changed, removed, repeated }) => {
      seen.push(`${version} +${[...changed.keys()].join()} -${removed.join()} =${repeated.join()}`);
      return new Map([...changed.keys()].filter((name) => name === 'bad').map((name) => [name, 'no']));
    },
    onRefusal: (_, reason) => seen.push(reason.replace(folder, '')),
  });
  t.after(async () => {
    subscription.close();
    await rm(folder, { recursive: true, force: true });
  });
  await subscription.want();
  const moves: readonly (readonly [string, RegExp])[] = [
    [file(good('a'), good('bad')), /^7 \+bad -b =$/],
    // What was refused comes again.
    [file(good('a'), good('bad'), good('a')), /^7 \+bad - =a$/],
    [
      file(good('a', '  connect_timeout: 0s\n')),
      /^\/cds\.yaml:5:\d+: resources\[0\]\.connect_timeout: value must be greater than 0s$/,
    ],
    [
      file(good('a', '  nope: 1\n')),
      /^\/cds\.yaml:5:\d+: resources\[0\]\.nope: unknown field of envoy\.config\.cluster\.v3\.Cluster/,
    ],
    ['resources: [', /^\/cds\.yaml:1:\d+: /],
    [
      `resources:\n- '@type': ${typeUrl.listener}\n  name: l\n`,
      /^\/cds\.yaml:2:\d+: resources\[0\]\.@type: found .*Listener; allowed: .*Cluster$/,
    ],
  ];
  assert.deepEqual(seen, ['7 +a,b - =']);
  for (const [content, words] of moves) {
    const before = seen.length;
    await writeFile(`${at}.new`, content);
    await rename(`${at}.new`, at);
    for (let tries = 0; seen.length === before && tries < 200; tries++) await sleep(10);
    assert.match(seen.at(-1) ?? '', words);
  }
});
