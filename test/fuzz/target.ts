import type { Random } from './random.ts';

/** Something that takes inputs: texts, of latin1 characters where they stand for bytes. */
export interface Target {
  readonly name: string;
  /** Words that its inputs are made of. */
  readonly words: readonly string[];
  /** A new input that knows the structure of what is read. */
  make(random: Random): string;
  /** Throws when something that must hold does not. */
  run(input: string, random: Random): void;
}
