import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { CertificateRequest } from '../../../base/index.ts';
import { createCertificateAuthority } from './authority.ts';
import { keptCertificate } from './kept-certificate.ts';
import { writeSecret } from './secret-file.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'kept-certificate-test-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const file = (name: string): string => path.join(directory, name);

const hour = 3_600_000;
const asked: CertificateRequest = { commonName: 'a', usage: 'server', dnsNames: ['a'] };
const authority = await createCertificateAuthority(file('authority'));
const other = await createCertificateAuthority(file('other'));

test('a certificate is issued anew when it is due, asked for differently or broken, and otherwise kept', async () => {
  const begin = Date.parse('2024-01-01T00:00:00Z');
  const lifetimeMs = 30 * hour;
  const kept = (atMs = begin, request = asked, by = authority): ReturnType<typeof keptCertificate> =>
    keptCertificate(by, directory, 'one', request, { nowMs: atMs, lifetimeMs });
  const first = await kept();
  assert.equal(first.renewed, true);
  const parsed = new X509Certificate(first.certificate);
  assert.equal(Date.parse(parsed.validTo), begin + lifetimeMs);
  assert.equal(readFileSync(file('one.key'), 'utf8'), first.privateKey);
  const asBefore = { ...first, renewed: false };
  assert.deepEqual(await kept(), asBefore);
  assert.deepEqual(await kept(first.renewAtMs - 1), asBefore);

  const spoil = (name: string, text: string) => () => writeFileSync(file(name), text);
  const cases: readonly [string, () => void, () => ReturnType<typeof keptCertificate>][] = [
    ['due', () => {}, () => kept(first.renewAtMs)],
    ['issued by a clock that was ahead', () => {}, () => kept()],
    ['other names', () => {}, () => kept(begin, { ...asked, dnsNames: ['b'] })],
    ['the first names again', () => {}, () => kept()],
    ['another authority', () => {}, () => kept(begin, asked, other)],
    ['no certificate', spoil('one.crt', 'half'), () => kept(begin, asked, other)],
    ['the key of another certificate', spoil('one.key', first.privateKey), () => kept(begin, asked, other)],
    ['no key', () => rmSync(file('one.key')), () => kept(begin, asked, other)],
  ];
  let before = first.certificate;
  for (const [name, prepare, ask] of cases) {
    prepare();
    const issued = await ask();
    assert.equal(issued.renewed, true, name);
    assert.notEqual(issued.certificate, before, name);
    assert.equal((await ask()).renewed, false, name);
    before = issued.certificate;
  }
});

test("a secret is its owner's alone, whatever was there before", () => {
  const place = file('secrets');
  const secret = path.join(place, 'file');
  mkdirSync(place);
  writeFileSync(secret, 'old', { mode: 0o644 });
  writeFileSync(`${secret}.new`, 'left over', { mode: 0o644 });
  writeSecret(secret, 'key');
  assert.equal(readFileSync(secret, 'utf8'), 'key');
  assert.equal(statSync(secret).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(place), ['file']);
});
