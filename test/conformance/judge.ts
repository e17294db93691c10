import { compare } from './compare.ts';
import { differences } from './differences.ts';
import { keyOf } from './load.ts';
import type { Recording } from './recorded.ts';
import type { Case, Outcome, Scenario } from './types.ts';

export interface Judgement {
  readonly file: string;
  readonly feature: string;
  /** `scenario > case`. */
  readonly key: string;
  /** Empty: passed. */
  readonly faults: readonly string[];
  readonly difference: string | undefined;
  readonly envoy: Outcome | undefined;
  readonly ours: Outcome | undefined;
}

type Outcomes = ReadonlyMap<string, Outcome> | Error;

/** Compares ours with Envoy's outcomes, or with the recorded ones when `theirs` is undefined. */
export function judge(
  scenario: Scenario,
  recording: Recording,
  theirs: Outcomes | undefined,
  ours: Outcomes,
): readonly Judgement[] {
  const cases: readonly Case[] = scenario.validateOnly ? [{ ...scenario.cases[0], name: '' }] : scenario.cases;
  return cases.map((one) => {
    const key = keyOf(scenario, one.name);
    const recorded = recording.answers[key];
    const envoy = theirs === undefined ? recorded?.envoy : theirs instanceof Error ? undefined : theirs.get(one.name);
    const own = ours instanceof Error ? undefined : ours.get(one.name);
    const { difference } = one;
    const faults = judgeOne({ one, envoy, own, recordedOwn: recorded?.ours, theirs, ours });
    return { file: '', feature: scenario.feature, key, faults, difference, envoy, ours: own };
  });
}

interface Evidence {
  readonly one: Case;
  readonly envoy: Outcome | undefined;
  readonly own: Outcome | undefined;
  readonly recordedOwn: Outcome | undefined;
  readonly theirs: Outcomes | undefined;
  readonly ours: Outcomes;
}

function judgeOne({ one, envoy, own, recordedOwn, theirs, ours }: Evidence): readonly string[] {
  if (theirs instanceof Error) return [`Envoy: ${theirs.message}`];
  if (ours instanceof Error) return [`ciliate-proxy: ${ours.message}`];
  if (!envoy) return ['no recorded answer: run with --record where a real Envoy is'];
  if (!own) return ['no outcome'];
  if (one.difference === undefined) return compare(accepted(envoy), own, one);
  if (!Object.hasOwn(differences, one.difference)) return [`unknown difference ${JSON.stringify(one.difference)}`];
  if (compare(accepted(envoy), own, one).length === 0) return [`does not differ any more: take ${one.difference} away`];
  return theirs === undefined && recordedOwn ? compare(recordedOwn, own, one) : [];
}

/** Envoy's words about a refused bootstrap are kept for reading, not compared. */
function accepted(envoy: Outcome): Outcome {
  return envoy.accepted === undefined ? envoy : { accepted: envoy.accepted };
}
