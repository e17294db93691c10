import { readFile } from 'node:fs/promises';
import { now } from '../../time/clock.ts';

/** For so long a read file is taken to be unchanged, so that thousands of names do not read it thousands of times. */
const FRESH = 1000;

interface SearchRules {
  readonly domains: readonly string[];
  readonly dots: number;
}

const hostsFile = cached('/etc/hosts', parseHosts);
const searchRules = cached('/etc/resolv.conf', parseSearch);

/** The addresses of `/etc/hosts` by name in small letters. */
export const readHostsFile = hostsFile;

/** What to ask for a name, in order (`resolv.conf`(5)): as it is first if it has enough dots, else with the search domains first. */
export async function searchList(name: string): Promise<readonly string[]> {
  return applySearch(name, await searchRules());
}

export function applySearch(name: string, { domains, dots }: SearchRules): readonly string[] {
  if (name.endsWith('.')) return [name];
  const longer = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= dots ? [name, ...longer] : [...longer, name];
}

export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [address = '', ...names] of words(text)) {
    for (const name of names.map((one) => one.toLowerCase())) {
      const known = found.get(name);
      if (known) known.push(address);
      else found.set(name, [address]);
    }
  }
  return found;
}

export function parseSearch(text: string): SearchRules {
  let domains: readonly string[] = [];
  let dots = 1;
  for (const [key, ...values] of words(text)) {
    if (key === 'search' || key === 'domain') domains = values;
    if (key !== 'options') continue;
    const given = values.find((value) => value.startsWith('ndots:'));
    if (given) dots = Number(given.slice('ndots:'.length)) || 0;
  }
  return { domains, dots };
}

/** The words of each line, without comments. */
function words(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/[#;].*/, '')
        .trim()
        .split(/\s+/),
    )
    .filter(([first]) => first !== '');
}

function cached<T>(file: string, parse: (text: string) => T): () => Promise<T> {
  let read: Promise<T> | undefined;
  let at = 0;
  return () => {
    if (!read || now() - at > FRESH) {
      at = now();
      // A machine without the file has nothing to say in it.
      read = readFile(file, 'utf8').then(parse, () => parse(''));
    }
    return read;
  };
}
