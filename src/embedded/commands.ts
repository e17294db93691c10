import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileCache } from '../loading/index.ts';
import type { ClusterHome } from './home.ts';

const program = path.resolve(import.meta.dirname, '../cli/ciliate.ts');

/** Writes the commands that `ciliate env` puts on PATH; `kubectl` only where the machine has none. */
export function writeCommands(home: ClusterHome): void {
  const script = (words: string): string =>
    `#!/bin/sh\nexport CILIATE_HOME='${home.directory}' KUBECONFIG="\${KUBECONFIG:-${home.kubeconfig}}" NODE_COMPILE_CACHE='${compileCache}'\nexec '${process.execPath}' '${program}' ${words} "$@"\n`;
  const commands: Record<string, string> = { ciliate: '', cilium: 'cilium', hubble: 'hubble', kubectl: 'kubectl' };
  for (const [name, words] of Object.entries(commands)) {
    const file = path.join(home.bin, name);
    if (name === 'kubectl' && hasKubectl(home)) {
      rmSync(file, { force: true });
      continue;
    }
    writeFileSync(file, script(words));
    chmodSync(file, 0o755);
  }
}

function hasKubectl(home: ClusterHome): boolean {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '' && folder !== home.bin);
  return folders.some((folder) => existsSync(path.join(folder, 'kubectl')));
}
