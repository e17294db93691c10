import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

/** What a program prints that prepares loading and then imports `http`. */
function afterImport(expression: string): string {
  const entry = path.join(import.meta.dirname, 'index.ts');
  const program = `
    const { prepareLoading } = await import(${JSON.stringify(entry)});
    prepareLoading();
    const http = (await import('node:http')).default;
    console.log(${expression});`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim();
}

test('an import of http does not load fetch', () => {
  assert.equal(afterImport(`process.moduleLoadList.some((name) => name.endsWith('/undici'))`), 'false');
});

test('what http has of the web is still there', () => {
  assert.equal(afterImport('http.WebSocket === WebSocket && http.MessageEvent === MessageEvent'), 'true');
});
