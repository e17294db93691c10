import { readFileSync } from 'node:fs';
import path from 'node:path';

let texts: Map<string, string> | undefined;

/** Description of a type (`core.v1.Pod`) or field (`core.v1.Pod.spec`) as Kubernetes publishes it; only `kubectl explain` needs them, so they load late. */
export function documentation(name: string): string {
  if (!texts) {
    texts = new Map();
    for (const line of readFileSync(path.join(import.meta.dirname, 'docs.txt'), 'utf8').split('\n')) {
      const tab = line.indexOf('\t');
      if (tab > 0) texts.set(line.slice(0, tab), line.slice(tab + 1));
    }
  }
  return texts.get(name) ?? '';
}
