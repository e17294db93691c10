import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFilterText } from './filter-text.ts';

const dropped = { whitelist: [{ verdict: [2] }], blacklist: [] };

const cases: readonly { readonly text: string; readonly filters: object }[] = [
  { text: '', filters: { whitelist: [], blacklist: [] } },
  { text: '  --verdict DROPPED ', filters: dropped },
  { text: '--verdict=DROPPED', filters: dropped },
  { text: 'hubble observe --verdict DROPPED', filters: dropped },
  { text: '--not --verdict DROPPED', filters: { whitelist: [], blacklist: [{ verdict: [2] }] } },
  {
    text: `-l "app=a b"`,
    filters: { whitelist: [{ source_label: ['app=a b'] }, { destination_label: ['app=a b'] }], blacklist: [] },
  },
  { text: `--http-path '/a"b'`, filters: { whitelist: [{ http_path: ['/a"b'] }], blacklist: [] } },
  { text: '-4', filters: { whitelist: [{ ip_version: [1] }], blacklist: [] } },
  { text: `--allowlist '{"verdict":["DROPPED"]}'`, filters: dropped },
];

for (const { text, filters } of cases) {
  test(`filter ${JSON.stringify(text)} is read`, () => {
    const read = readFilterText(text);
    assert.ok(read.ok, read.ok ? '' : read.error);
    assert.deepEqual(JSON.parse(JSON.stringify(read.value)), filters);
  });
}

const faults: readonly { readonly text: string; readonly says: RegExp }[] = [
  { text: 'frontend', says: /"frontend" is no flag; allowed: flags such as --pod frontend/ },
  { text: '--verdct DROPPED', says: /unknown filter --verdct/ },
  { text: '--from-po x', says: /--from-pod, --from-port/ },
  { text: '--pod', says: /--pod needs a value/ },
  { text: '--verdict NO', says: /NO/ },
  { text: '--not', says: /trailing --not/ },
  { text: '--label "a', says: /quote is not closed/ },
  { text: '--from-pod a --namespace b', says: /cannot be combined/ },
];

for (const { text, says } of faults) {
  test(`filter ${JSON.stringify(text)} is refused`, () => {
    const read = readFilterText(text);
    assert.match(read.ok ? 'accepted' : read.error, says);
  });
}
