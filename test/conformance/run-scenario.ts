import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBackends } from './backend.ts';
import { putFile, startPlane } from './plane.ts';
import { runCase } from './run-case.ts';
import type { Kind } from './subject.ts';
import type { Case, Outcome, Places, Scenario } from './types.ts';

let runs = 0;
/** Addresses of runs that are under way: those of others are used again. */
const taken = new Set<number>();

function takeAddress(): number {
  for (;;) {
    const last = 1 + ((2 * runs++) % 250);
    if (taken.has(last)) continue;
    taken.add(last);
    return last;
  }
}

/**
 * A loopback address and a folder that no other run has: ports can then be the same in every run, and several suites run at once.
 * 127.64.0.0/10 is left to us by everyone else.
 */
async function makePlaces(): Promise<Places & { readonly remove: () => Promise<void> }> {
  const network = `127.${64 + ((process.pid >> 8) & 63)}.${process.pid & 255}`;
  const last = takeAddress();
  const folder = await mkdtemp(path.join(tmpdir(), 'conformance-'));
  return {
    host: `${network}.${last}`,
    other: `${network}.${last + 1}`,
    folder,
    admin: 9901,
    plane: 10_200,
    listener: (index) => 10_000 + index,
    backend: (index) => 10_100 + index,
    remove: () => {
      taken.delete(last);
      return rm(folder, { recursive: true, force: true });
    },
  };
}

/** Plays the scenario's cases against a proxy of that kind; a case that throws has the error as its outcome. */
export async function runScenario(
  scenario: Scenario,
  kind: Kind,
  cases: readonly Case[] = scenario.cases,
): Promise<ReadonlyMap<string, Outcome>> {
  const places = await makePlaces();
  const outcomes = new Map<string, Outcome>();
  try {
    const bootstrap = scenario.bootstrap(places);
    if (scenario.validateOnly) {
      const { accepted, text } = await kind.validate(bootstrap, places);
      outcomes.set('', {
        accepted,
        ...(kind.name === 'envoy' ? { log: text === '' ? [] : [text.slice(0, 300)] } : {}),
      });
      return outcomes;
    }
    const backends = await startBackends(scenario.backends ?? ['http'], places.host, places.backend);
    for (const [name, file] of Object.entries(scenario.files ?? {}))
      await putFile(places, name, { ...file, version: '0' });
    const plane = scenario.plane && (await startPlane(places, scenario.plane));
    try {
      const subject = await kind.start(bootstrap, places, scenario.flags ?? [], scenario.early);
      try {
        if (scenario.warmUpMs !== undefined) await sleep(scenario.warmUpMs);
        const stage = { scenario, subject, backends, places, plane };
        for (const one of cases) outcomes.set(one.name, await runCase(stage, one));
      } finally {
        await subject.stop();
      }
    } finally {
      plane?.close();
      await backends.close();
    }
    return outcomes;
  } finally {
    await places.remove();
  }
}
