import { fail, ok, type Result } from '../../base/index.ts';
import { FlagFault } from './fault.ts';
import { createFilterBuilder, type FilterFlag, type Filters, filterFlags } from './filter-flags.ts';

interface KnownFlag {
  readonly flag: FilterFlag;
  readonly name: string;
  readonly takesValue: boolean;
}

const known = new Map<string, KnownFlag>();
for (const flag of filterFlags) {
  const words = flag.flags.split(/,? /);
  const name = words.find((word) => word.startsWith('--'))?.slice(2) ?? '';
  for (const word of words.filter((each) => each.startsWith('-'))) {
    known.set(word, { flag, name, takesValue: flag.flags.includes('<') });
  }
}

/**
 * Reads a line of filter flags as `hubble observe` takes them, for instance `--to-pod shop/cart --verdict DROPPED`.
 * Quotes group words as in a shell. A line pasted from a shell may begin with `hubble observe`.
 */
export function readFilterText(text: string): Result<Filters, string> {
  const words = splitWords(text);
  if (!words.ok) return words;
  const rest = words.value[0] === 'hubble' && words.value[1] === 'observe' ? words.value.slice(2) : words.value;
  try {
    return ok(readWords(rest));
  } catch (error) {
    if (error instanceof FlagFault) return fail(error.message);
    throw error;
  }
}

function readWords(words: readonly string[]): Filters {
  const builder = createFilterBuilder();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    const value = (): string => {
      const found = inline ?? words[++at];
      if (found === undefined) throw new FlagFault(`${name} needs a value`);
      return found;
    };
    if (name === '--not') builder.not();
    else if (name === '--allowlist') builder.raw('allowlist', value());
    else if (name === '--denylist') builder.raw('denylist', value());
    else {
      const found = known.get(name);
      if (!found) throw new FlagFault(unknownWord(word, name));
      builder.add(found.flag, found.name, found.takesValue ? value() : '');
    }
  }
  return builder.build();
}

function unknownWord(word: string, name: string): string {
  if (!word.startsWith('-')) return `"${word}" is no flag; allowed: flags such as --pod ${word} or --label ${word}`;
  const near = [...known.keys()].filter((flag) => flag.startsWith(name) || flag.includes(name.replace(/^-+/, '')));
  const hint = near.length > 0 ? near.slice(0, 6).join(', ') : '--pod, --namespace, --verdict, --label, --port, ...';
  return `unknown filter ${name}; allowed: ${hint} (as in hubble observe)`;
}

function splitWords(text: string): Result<string[], string> {
  const words: string[] = [];
  const pattern = /\s*((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)/gy;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    end = pattern.lastIndex;
    words.push(unquote(match[1] ?? ''));
  }
  const rest = text.slice(end).trim();
  return rest === '' ? ok(words) : fail(`a quote is not closed: ${rest}`);
}

function unquote(word: string): string {
  return word.replaceAll(
    /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
    (_whole, escaped?: string, double?: string, single?: string) =>
      escaped ?? double?.replaceAll(/\\(.)/g, '$1') ?? single ?? '',
  );
}
