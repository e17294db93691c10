import { readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scenario } from './types.ts';

const folder = path.join(import.meta.dirname, 'cases');

export interface CaseFile {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
}

/** All files of cases by name. Throws when two cases of a file have the same name. */
export async function loadCases(): Promise<readonly CaseFile[]> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.startsWith('_'));
  return Promise.all(
    names.sort().map(async (file) => {
      const loaded = (await import(pathToFileURL(path.join(folder, file)).href)) as {
        readonly scenarios: readonly Scenario[];
      };
      const keys = loaded.scenarios.flatMap((scenario) => keysOf(scenario));
      const twice = keys.find((key, index) => keys.indexOf(key) !== index);
      if (twice !== undefined) throw new Error(`${file}: two cases are called ${JSON.stringify(twice)}`);
      return { name: file.slice(0, -3), scenarios: loaded.scenarios };
    }),
  );
}

export const keyOf = (scenario: Scenario, name: string): string =>
  name === '' ? scenario.name : `${scenario.name} > ${name}`;

export const keysOf = (scenario: Scenario): readonly string[] =>
  scenario.validateOnly ? [scenario.name] : scenario.cases.map(({ name }) => keyOf(scenario, name));
