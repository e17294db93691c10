import { readdirSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from './setup.mjs';

/** Files below a folder of the project whose name ends so, sorted, relative to the project. */
export function globSync(folder, ending) {
  return readdirSync(path.join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => path.relative(projectRoot, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}
