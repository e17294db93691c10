import type { Command } from 'commander';
import type { CommandIo } from '../io.ts';
import { Fault } from './fault.ts';

/** `hubble completion bash|zsh|fish`: a script that completes sub-commands and flags. */
export function printCompletion(shell: string, program: Command, io: CommandIo): number {
  const words = wordsOf(program);
  switch (shell) {
    case 'bash':
    case 'zsh':
      io.stdout.write(`${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}${bash(words)}`);
      return 0;
    case 'fish':
      io.stdout.write(fish(words));
      return 0;
    default:
      throw new Fault(`unknown shell: ${shell}; allowed: bash, zsh, fish`);
  }
}

/** Completions by command path (`hubble list`). */
type Words = ReadonlyMap<string, readonly string[]>;

function wordsOf(command: Command, path = 'hubble', words = new Map<string, readonly string[]>()): Words {
  const flags = command.options.flatMap(({ long, short }) => [long, short]).filter((flag) => typeof flag === 'string');
  words.set(path, [...command.commands.map((sub) => sub.name()), ...flags]);
  for (const sub of command.commands) wordsOf(sub, `${path} ${sub.name()}`, words);
  return words;
}

function bash(words: Words): string {
  const cases = [...words]
    .map(([path, list]) => `    ${JSON.stringify(path)}) words="${list.join(' ')}" ;;\n`)
    .join('');
  return `_hubble() {
  local path=hubble word words current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path" in
${cases}  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _hubble hubble
`;
}

function fish(words: Words): string {
  return [...words]
    .flatMap(([path, list]) => {
      const [, ...subs] = path.split(' ');
      const condition = subs.length === 0 ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${subs.at(-1)}`;
      const plain = list.filter((word) => !word.startsWith('-')).join(' ');
      const flags = list
        .filter((word) => word.startsWith('--'))
        .map((word) => `complete -c hubble -n '${condition}' -l ${word.slice(2)}\n`);
      return [...(plain === '' ? [] : [`complete -c hubble -f -n '${condition}' -a '${plain}'\n`]), ...flags];
    })
    .join('');
}
