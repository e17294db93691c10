import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { lookupMessage } from '../../src/model/envoy/index.ts';
import { readMessage } from '../../src/proxy/config/fields.ts';
import { walkAll } from './all.ts';
import { FIELDS_FILE, fieldsDocument, listedAsSilent, shortName, silentFields } from './documents.ts';
import { type Walk, walkResource } from './walk.ts';

test('every field of what we take is acted on, refused by name, or listed as accepted without effect', async () => {
  const { fates, places } = await walkAll();
  assert.ok(fates.size > 200, `only ${fates.size} messages were reached`);
  const silent = silentFields(fates);
  const listed = listedAsSilent();
  const unlisted = [...silent].filter((field) => !listed.has(field));
  const where = [...places].filter(([field]) =>
    unlisted.some((one) => shortName(field).startsWith(one.replace('*', ''))),
  );
  assert.deepEqual(where, [], `ignored and not in docs/divergence.md: ${unlisted.join(', ')}`);
  assert.deepEqual(
    [...listed].filter((field) => !silent.has(field)),
    [],
    'listed in docs/divergence.md and not ignored',
  );
  assert.equal(readFileSync(FIELDS_FILE, 'utf8'), fieldsDocument(fates), 'out of date: run node test/fields/write.ts');
});

test('a field that a reader passes over is found, one that it refuses is no silent one', () => {
  const name = 'envoy.config.core.v3.Locality';
  const fatesOf = (ignored: readonly string[]): Readonly<Record<string, string>> => {
    const walk: Walk = { fates: new Map(), places: new Map() };
    const read: Parameters<typeof walkResource>[1] = (json) => {
      const issues: Parameters<typeof readMessage>[2] = [];
      readMessage(json, '', issues, (fields) => {
        fields.text('region');
        fields.ignore(...ignored);
      });
      return issues;
    };
    walkResource(name, read, {}, walk);
    return Object.fromEntries(walk.fates.get(name) ?? []);
  };
  assert.ok(lookupMessage(name));
  assert.deepEqual(fatesOf([]), { region: 'read', zone: 'refused', sub_zone: 'refused' });
  assert.deepEqual(fatesOf(['zone']), { region: 'read', zone: 'silent', sub_zone: 'refused' });
});
