import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Issue } from '../../base/index.ts';
import type { JsonObject } from '../config/fields.ts';
import { SecretFiles } from './secret-files.ts';

interface Stage {
  readonly files: SecretFiles;
  readonly folder: string;
  /** The next secret that is put into force, or the next failure. */
  next(): Promise<string>;
  /** What is said of the next secret. */
  fault: string;
}

async function stage(t: TestContext): Promise<Stage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'secret-files-'));
  const seen: string[] = [];
  let wake = (): void => undefined;
  const tell = (text: string): void => {
    seen.push(text);
    wake();
  };
  const files = new SecretFiles({
    apply: async (json, version): Promise<readonly Issue[]> => {
      tell(`${version} ${textOf(json)}`);
      return out.fault === '' ? [] : [{ path: 'private_key', message: out.fault }];
    },
    onFailure: (name, reason) => tell(`${name}: ${reason.replaceAll(folder, '')}`),
  });
  const out: Stage = {
    files,
    folder,
    fault: '',
    next: async () => {
      while (seen.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return seen.shift() ?? '';
    },
  };
  // A watcher keeps no process alive.
  const alive = setInterval(() => undefined, 1000);
  t.after(async () => {
    clearInterval(alive);
    files.close();
    await rm(folder, { recursive: true, force: true });
  });
  return out;
}

/** The bytes that stand in a secret, in their order. */
function textOf({ tls_certificate: body }: JsonObject): string {
  const sources = body as Readonly<Record<string, { readonly inline_bytes?: string }>>;
  return [sources['certificate_chain'], sources['private_key']]
    .map((source) => Buffer.from(source?.inline_bytes ?? '', 'base64').toString())
    .join(' ');
}

const secretOf = (folder: string, more: JsonObject = {}): JsonObject => ({
  name: 's',
  tls_certificate: {
    certificate_chain: { filename: `${folder}/tls.crt` },
    private_key: { filename: `${folder}/tls.key` },
    ...more,
  },
});

async function move(folder: string, file: string, text: string): Promise<void> {
  await writeFile(path.join(folder, `.${file}`), text);
  await rename(path.join(folder, `.${file}`), path.join(folder, file));
}

test('a folder that is swapped as Kubernetes does it renews the certificate and its key together', async (t) => {
  const { files, folder, next } = await stage(t);
  const version = async (name: string, text: string): Promise<void> => {
    await mkdir(path.join(folder, name));
    for (const file of ['tls.crt', 'tls.key']) await writeFile(path.join(folder, name, file), `${text}-${file}`);
    await symlink(name, path.join(folder, '..data_tmp'));
    await rename(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
  };
  await version('..1', 'first');
  for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, path.join(folder, file));
  const read = await files.read('s', secretOf(folder));
  assert.equal(textOf(read.resolved), 'first-tls.crt first-tls.key');
  files.follow('s', read, '7');
  await version('..2', 'second');
  assert.equal(await next(), '7 second-tls.crt second-tls.key');
  await version('..3', 'third');
  assert.equal(await next(), '7 third-tls.crt third-tls.key');
});

test('what is refused is tried again with the next move, and a file that is gone is said', async (t) => {
  const one = await stage(t);
  const { folder, files } = one;
  /** Moves come as several events, and each is a try. */
  const until = async (text: string): Promise<void> => {
    while ((await one.next()) !== text);
  };
  for (const file of ['tls.crt', 'tls.key']) await writeFile(path.join(folder, file), file);
  files.follow('s', await files.read('s', secretOf(folder)), '1');
  one.fault = 'is another one';
  await move(folder, 'tls.crt', 'new');
  await until('1 new tls.key');
  await until('s: private_key: is another one');
  one.fault = '';
  await move(folder, 'tls.key', 'key');
  await until('1 new key');
  await rm(path.join(folder, 'tls.key'));
  await until('s: /tls.key cannot be read');
});

test('a version that takes the place of another is followed alone; one that is refused leaves the other', async (t) => {
  const { folder, next, files } = await stage(t);
  const other = path.join(folder, 'other');
  await mkdir(other);
  for (const at of [folder, other])
    for (const file of ['tls.crt', 'tls.key']) await writeFile(path.join(at, file), file);
  files.follow('s', await files.read('s', secretOf(folder)), '1');
  const missing = await files.read('s', secretOf(path.join(folder, 'nowhere')));
  assert.equal(textOf(missing.resolved), ' ');
  await move(folder, 'tls.crt', 'moved-meanwhile');
  files.release('s');
  assert.equal(await next(), '1 moved-meanwhile tls.key');
  files.follow('s', await files.read('s', secretOf(other, { watched_directory: { path: other } })), '2');
  await move(folder, 'tls.crt', 'nobody-looks');
  await move(other, 'tls.crt', 'new');
  assert.equal(await next(), '2 new tls.key');
  files.follow('s', await files.read('s', { name: 's', tls_certificate: {} }), '3');
  await move(other, 'tls.crt', 'nobody-looks');
  files.follow('s', await files.read('s', secretOf(folder)), '4');
  await move(folder, 'tls.key', 'last');
  assert.equal(await next(), '4 nobody-looks last');
});
