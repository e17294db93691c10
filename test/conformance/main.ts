import { parseArgs } from 'node:util';
import { differences } from './differences.ts';
import { findEnvoy } from './envoy.ts';
import { type Judgement, judge } from './judge.ts';
import { type CaseFile, keysOf, loadCases } from './load.ts';
import { compareRandom } from './random-routes.ts';
import { readRecording, writeRecording } from './recorded.ts';
import { runScenario } from './run-scenario.ts';
import { ciliateInside, ciliateProcess, type Kind, realEnvoy } from './subject.ts';
import type { Outcome, Scenario } from './types.ts';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    record: { type: 'boolean', default: false },
    recorded: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    process: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    random: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    help: { type: 'boolean', default: false },
  },
});

const usage = `npm run conformance [-- PATTERN...] [--record] [--recorded] [--process] [--jobs N] [--verbose]
npm run conformance -- --random N [--seed S]

PATTERN     only files, scenarios and cases whose "file > scenario > case" contains one of them
--record    keep Envoy's answers (and ours where it differs on purpose) in test/conformance/recorded
--recorded  compare with what is recorded instead of a real Envoy
--process   start ciliate-proxy as a process for each scenario, not inside this one: slower, and all of it is under test
--jobs N    scenarios at a time (default 2)
--verbose   name every case
--random N  N random route tables with requests instead of the cases, the first failure made smaller
--seed S    where the random tables begin`;

interface Job {
  readonly file: CaseFile;
  readonly scenario: Scenario;
}

const say = (line: string): void => console.error(line);

async function main(): Promise<number> {
  const envoy = options.recorded ? undefined : findEnvoy(say);
  const files = await loadCases();
  if (!envoy) say('no real Envoy: comparing with the recorded answers');
  const kind = envoy && realEnvoy(envoy);
  const jobs = files.flatMap((file) => file.scenarios.map((scenario): Job => ({ file, scenario })));
  const judgements: Judgement[] = [];
  const chosen = jobs.flatMap((job) => {
    const scenario = select(job);
    return scenario ? [{ ...job, scenario }] : [];
  });
  const queue = [...chosen];
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const found = await runJob(job, kind, envoy?.version ?? '');
      judgements.push(...found);
      for (const one of found) print(one);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, Number(options.jobs)) }, worker));
  return report(judgements, envoy ? `Envoy ${envoy.version}` : recordedVersions(files));
}

/** The scenario with the cases that were asked for; undefined when there are none. */
function select({ file, scenario }: Job): Scenario | undefined {
  if (wanted.length === 0) return scenario;
  const matches = (name: string): boolean =>
    wanted.some((pattern) => `${file.name} > ${scenario.name} > ${name}`.includes(pattern));
  if (scenario.validateOnly) return matches('') ? scenario : undefined;
  const cases = scenario.cases.filter(({ name }) => matches(name));
  return cases.length > 0 ? { ...scenario, cases } : undefined;
}

async function runJob(
  { file, scenario }: Job,
  envoy: Kind | undefined,
  version: string,
): Promise<readonly Judgement[]> {
  const recording = readRecording(file.name);
  const theirs = envoy ? await outcomesOf(scenario, envoy) : undefined;
  const ours = await outcomesOf(scenario, options.process ? ciliateProcess : ciliateInside);
  const judgements = judge(scenario, recording, theirs, ours).map((one) => ({ ...one, file: file.name }));
  if (options.record && theirs) record(file, version, judgements);
  return judgements;
}

async function outcomesOf(scenario: Scenario, kind: Kind): Promise<ReadonlyMap<string, Outcome> | Error> {
  try {
    return await runScenario(scenario, kind);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function runRandom(tables: number): Promise<number> {
  const envoy = findEnvoy(say);
  if (!envoy) {
    say('random tables need a real Envoy');
    return 2;
  }
  const ours = options.process ? ciliateProcess : ciliateInside;
  const fault = await compareRandom(realEnvoy(envoy), ours, { tables, seed: Number(options.seed), say });
  if (fault === undefined) return 0;
  console.log(fault);
  return 1;
}

function record(file: CaseFile, version: string, judgements: readonly Judgement[]): void {
  const { answers } = readRecording(file.name);
  for (const { key, envoy, ours, difference } of judgements) {
    if (envoy) answers[key] = { envoy, ...(difference !== undefined && ours ? { ours } : {}) };
  }
  const known = new Set(file.scenarios.flatMap(keysOf));
  for (const key of Object.keys(answers)) if (!known.has(key)) delete answers[key];
  writeRecording(file.name, { envoy: version, answers });
}

function print({ file, key, faults, difference }: Judgement): void {
  if (faults.length === 0) {
    if (options.verbose)
      console.log(`ok    ${file} > ${key}${difference === undefined ? '' : ` (differs: ${difference})`}`);
    return;
  }
  console.log(`FAIL  ${file} > ${key}`);
  for (const fault of faults) console.log(`      ${fault}`);
}

function recordedVersions(files: readonly CaseFile[]): string {
  const versions = new Set(files.map(({ name }) => readRecording(name).envoy).filter((version) => version !== ''));
  return `recorded answers of Envoy ${[...versions].join(', ') || '(none)'}`;
}

function report(judgements: readonly Judgement[], against: string): number {
  const failed = judgements.filter(({ faults }) => faults.length > 0).length;
  console.log(`\nciliate-proxy against ${against}\n`);
  const rows = new Map<string, { passed: number; failed: number }>();
  for (const { feature, faults } of judgements) {
    const row = rows.get(feature) ?? { passed: 0, failed: 0 };
    row[faults.length > 0 ? 'failed' : 'passed']++;
    rows.set(feature, row);
  }
  const width = Math.max(8, ...[...rows.keys()].map((feature) => feature.length));
  console.log(`${'feature'.padEnd(width)}  passed  failed`);
  for (const [feature, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${feature.padEnd(width)}  ${String(row.passed).padStart(6)}  ${String(row.failed).padStart(6)}`);
  }
  console.log('\nknown differences');
  for (const [name, text] of Object.entries(differences)) {
    const cases = judgements.filter(({ difference }) => difference === name).length;
    console.log(`- ${name} (${cases} cases): ${text}`);
  }
  console.log(`\n${judgements.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

if (options.help) console.log(usage);
else if (options.random === undefined) process.exitCode = await main();
else process.exitCode = await runRandom(Number(options.random));
