import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { containerMounts } from './volumes.ts';

describe('subPath', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ciliate-volumes-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const volume = path.join(directory, 'volume');
  mkdirSync(path.join(volume, 'there'), { recursive: true });
  symlinkSync(directory, path.join(volume, 'out'));
  symlinkSync('there', path.join(volume, 'in'));
  const mount = (subPath: string) =>
    containerMounts(
      { name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v', subPath }] },
      { sources: new Map([['v', volume]]), refresh: () => undefined },
    ).map(({ source }) => path.relative(directory, source));

  const inside: readonly (readonly [subPath: string, source: string])[] = [
    ['there', 'volume/there'],
    ['new/deep', 'volume/new/deep'],
    ['in/new', 'volume/there/new'],
    ['./there/', 'volume/there'],
  ];
  for (const [subPath, source] of inside)
    test(`${subPath} is ${source}`, () => {
      assert.deepEqual(mount(subPath), [source]);
    });

  for (const subPath of ['../made', 'out/made', 'there/../../made'])
    test(`${subPath} is refused, and nothing is made`, () => {
      assert.throws(() => mount(subPath), /leads out of its volume/);
      assert.equal(existsSync(path.join(directory, 'made')), false);
    });
});
