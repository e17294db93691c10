import assert from 'node:assert/strict';
import { type Judgement, judge } from './judge.ts';
import { loadCases } from './load.ts';
import { readRecording } from './recorded.ts';
import { runScenario } from './run-scenario.ts';
import { ciliateInside } from './subject.ts';
import type { Scenario } from './types.ts';

/** Scenarios at a time: most of the time they wait. */
const atATime = 10;
/** A case whose outcome depends on time may be disturbed by other load: what differs is played again, alone, before it counts. */
const tries = 3;

interface Job {
  readonly file: string;
  readonly scenario: Scenario;
}

type Judge = (job: Job) => Promise<readonly Judgement[]>;

/** Plays every scenario whose turn falls on this part, and registers tests that compare with Envoy's recorded answers. */
export async function replayPart(part: number, parts: number): Promise<void> {
  const files = await loadCases();
  const all = files.flatMap(({ name, scenarios }) => scenarios.map((scenario): Job => ({ file: name, scenario })));
  const jobs = all.filter((_, index) => index % parts === part);
  const recordings = new Map(files.map(({ name }) => [name, readRecording(name)]));
  const play: Judge = async ({ file, scenario }) => {
    const recording = recordings.get(file) ?? readRecording(file);
    const ours = await runScenario(scenario, ciliateInside).catch((error: unknown) =>
      error instanceof Error ? error : new Error(String(error)),
    );
    return judge(scenario, recording, undefined, ours);
  };
  const first = await playAll(jobs, play);
  // What is loaded with it looks at every promise from then on.
  const { test } = await import('node:test');
  void test(`answers as Envoy did, part ${part + 1} of ${parts}`, async (context) => {
    for (const [index, job] of jobs.entries()) {
      await context.test(`${job.file} > ${job.scenario.name}`, async () => {
        const faults = await faultsOf(job, first[index] ?? [], play);
        assert.equal(faults.length, 0, faults.join('\n'));
      });
    }
  });
}

async function playAll(jobs: readonly Job[], play: Judge): Promise<readonly (readonly Judgement[])[]> {
  const found: (readonly Judgement[])[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < jobs.length; index = next++) found[index] = await play(jobs[index] as Job);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return found;
}

/** What differs in every one of the tries, with its lines; the last try's words. */
async function faultsOf(job: Job, first: readonly Judgement[], play: Judge): Promise<readonly string[]> {
  let judgements = first;
  let differing = new Set(faulty(first).map(({ key }) => key));
  for (let attempt = 1; attempt < tries && differing.size > 0; attempt++) {
    judgements = await play(job);
    differing = new Set(faulty(judgements).flatMap(({ key }) => (differing.has(key) ? [key] : [])));
  }
  return faulty(judgements)
    .filter(({ key }) => differing.has(key))
    .map(({ key, faults }) => [key, ...faults.map((line) => `  ${line}`)].join('\n'));
}

const faulty = (judgements: readonly Judgement[]): readonly Judgement[] =>
  judgements.filter(({ faults }) => faults.length > 0);
