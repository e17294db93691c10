import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const pageSources = path.join(projectRoot, 'web');
export const builtPage = path.join(projectRoot, 'dist', 'web');

/** Whether `dist/web` holds the page and none of its sources has changed since. */
export function pageIsFresh() {
  const builtAt = statSync(path.join(builtPage, 'index.html'), { throwIfNoEntry: false })?.mtimeMs;
  return builtAt !== undefined && builtAt >= Math.max(...sourceFiles().map((file) => statSync(file).mtimeMs));
}

function sourceFiles() {
  const entries = readdirSync(pageSources, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'));
  return files.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}
