import type { Command, Option } from 'commander';

interface FoundFlag {
  readonly words: readonly string[];
  readonly option: Option;
  /** The command that it stands behind. */
  readonly behind: Command;
}

/**
 * The arguments with the flags of a command behind its name, where commander looks for them; Go's cobra takes them before it, too. A flag stays where it is
 * when only the command that it stands behind takes it. Nothing behind the first argument that is neither a flag nor a command's name is touched.
 */
export function flagsBehindCommand(argv: readonly string[], program: Command): string[] {
  const parts: (string | FoundFlag)[] = [];
  let command = program;
  let index = 0;
  while (index < argv.length) {
    const argument = argv[index] ?? '';
    const option = argument.startsWith('-') ? optionBelow(command, argument) : undefined;
    const next = option ? undefined : command.commands.find((one) => isNamed(one, argument));
    if (option) {
      const words = argv.slice(index, index + (takesNext(option, argument) ? 2 : 1));
      parts.push({ words, option, behind: command });
      index += words.length;
    } else if (next) {
      parts.push(argument);
      command = next;
      index++;
    } else break;
  }
  const stays = (part: string | FoundFlag): boolean =>
    typeof part === 'string' || (!hasOption(command, part.option) && hasOption(part.behind, part.option));
  const wordsOf = (part: string | FoundFlag): readonly string[] => (typeof part === 'string' ? [part] : part.words);
  return [
    ...parts.filter(stays).flatMap(wordsOf),
    ...parts.filter((part) => !stays(part)).flatMap(wordsOf),
    ...argv.slice(index),
  ];
}

function isNamed(command: Command, word: string): boolean {
  return command.name() === word || command.aliases().includes(word);
}

/** The option that an argument is of, of the command or of one below it. */
function optionBelow(command: Command, argument: string): Option | undefined {
  const flag = argument.startsWith('--') ? argument.replace(/=.*$/s, '') : argument.slice(0, 2);
  const own = command.options.find(({ long, short }) => long === flag || short === flag);
  if (own) return own;
  for (const sub of command.commands) {
    const found = optionBelow(sub, argument);
    if (found) return found;
  }
  return undefined;
}

function takesNext({ required }: Option, argument: string): boolean {
  return required && (argument.startsWith('--') ? !argument.includes('=') : argument.length === 2);
}

function hasOption(command: Command, { long, short }: Option): boolean {
  return command.options.some((one) => (long === undefined ? one.short === short : one.long === long));
}
