import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Coverage } from './coverage.ts';
import { mutate, Random } from './random.ts';
import type { Target } from './target.ts';

/** Something that does not hold. */
export interface Finding {
  readonly target: string;
  readonly input: string;
  readonly message: string;
}

export interface FuzzOptions {
  readonly seed: number;
  readonly milliseconds: number;
  /** Inputs that reach new code join the corpus. */
  readonly guided: boolean;
  /** Called before each input. */
  readonly onInput?: (input: string) => void;
}

export interface FuzzResult {
  readonly executions: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
  /** Inputs that reached new code, by target. */
  readonly discovered: ReadonlyMap<string, readonly string[]>;
  readonly blocks: number;
}

const BATCH = 50;
const SLOW_MS = 5_000;

export function corpusFile(target: Target): string {
  return path.join(import.meta.dirname, 'corpus', `${target.name}.txt`);
}

export function corpusOf(target: Target): readonly string[] {
  const file = corpusFile(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => String(JSON.parse(line)));
}

/** Runs the corpus of all targets, then new inputs until the time is over. */
export function fuzz(targets: readonly Target[], options: FuzzOptions): FuzzResult {
  const run = new Run(options);
  for (const target of targets) run.start(target);
  const until = performance.now() + options.milliseconds;
  while (performance.now() < until) for (const target of targets) run.batch(target, until);
  return run.end();
}

class Run {
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #coverage: Coverage | undefined;
  readonly #seen = new Set<string>();
  readonly #corpora = new Map<string, string[]>();
  readonly #executions = new Map<string, number>();
  readonly #discovered = new Map<string, string[]>();
  /** By what does not hold, the shortest input for each. */
  readonly #findings = new Map<string, Finding>();

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#coverage = options.guided ? new Coverage() : undefined;
  }

  start(target: Target): void {
    const corpus = [...corpusOf(target)];
    this.#corpora.set(target.name, corpus);
    this.#discovered.set(target.name, []);
    for (const input of corpus) this.#try(target, input);
    for (const block of this.#coverage?.take() ?? []) this.#seen.add(block);
  }

  batch(target: Target, until: number): void {
    const inputs: string[] = [];
    for (let count = 0; count < BATCH && performance.now() < until; count++) {
      const input = this.#next(target);
      inputs.push(input);
      this.#try(target, input);
    }
    if (this.#coverage) this.#keepNew(target, inputs, this.#coverage);
  }

  end(): FuzzResult {
    this.#coverage?.stop();
    return {
      executions: this.#executions,
      findings: [...this.#findings.values()],
      discovered: this.#discovered,
      blocks: this.#seen.size,
    };
  }

  #next(target: Target): string {
    const random = this.#random;
    const corpus = this.#corpora.get(target.name) ?? [];
    if (corpus.length === 0 || random.chance(0.4)) {
      const made = target.make(random);
      return random.chance(0.6) ? made : mutate(random, made, target.make(random), target.words);
    }
    return mutate(random, random.pick(corpus), random.pick(corpus), target.words);
  }

  #try(target: Target, input: string): void {
    this.#executions.set(target.name, (this.#executions.get(target.name) ?? 0) + 1);
    this.#options.onInput?.(input);
    const message = faultOf(target, input);
    if (message === undefined) return;
    const key = `${target.name} ${kindOf(message)}`;
    const known = this.#findings.get(key);
    if (known && known.input.length <= input.length) return;
    const shortest = shorten(target, input, kindOf(message));
    this.#findings.set(key, { target: target.name, input: shortest, message: faultOf(target, shortest) ?? message });
  }

  /** Adds those of `inputs` to the corpus that reached something first. */
  #keepNew(target: Target, inputs: readonly string[], coverage: Coverage): void {
    const fresh = new Set([...coverage.take()].filter((block) => !this.#seen.has(block)));
    for (const input of inputs) {
      if (fresh.size === 0) return;
      faultOf(target, input);
      const reached = [...coverage.take()].filter((block) => fresh.has(block));
      if (reached.length === 0) continue;
      this.#corpora.get(target.name)?.push(input);
      this.#discovered.get(target.name)?.push(input);
      for (const block of reached) {
        fresh.delete(block);
        this.#seen.add(block);
      }
    }
    // What runs only once, like the loading of a type, is nobody's.
    for (const block of fresh) this.#seen.add(block);
  }
}

/** What does not hold for an input; a run of it is always the same. */
function faultOf(target: Target, input: string): string | undefined {
  const from = performance.now();
  try {
    target.run(input, new Random(input.length));
  } catch (error) {
    return error instanceof Error
      ? `${error.message}\n${error.stack?.split('\n').slice(-4).join('\n')}`
      : String(error);
  }
  const took = performance.now() - from;
  return took > SLOW_MS ? `took ${Math.round(took)} ms` : undefined;
}

/** A message without what is particular to the input. */
function kindOf(message: string): string {
  return (message.split('\n')[0] ?? '').replaceAll(/"(?:[^"\\]|\\.)*"|[\d,]+/g, '#').slice(0, 120);
}

/** Takes away what is not needed for the same fault. */
function shorten(target: Target, input: string, kind: string): string {
  let text = input;
  for (let size = text.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < text.length; ) {
      const less = text.slice(0, at) + text.slice(at + size);
      const message = faultOf(target, less);
      if (message !== undefined && kindOf(message) === kind) text = less;
      else at += size;
    }
  }
  return text;
}
