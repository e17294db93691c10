import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './judge.ts';
import { loadCases } from './load.ts';
import { readRecording } from './recorded.ts';
import { runScenario } from './run-scenario.ts';
import { ciliateInside } from './subject.ts';

for (const { name, scenarios } of await loadCases()) {
  test(`answers as Envoy did: ${name}`, { concurrency: 3 }, async (context) => {
    const recording = readRecording(name);
    await Promise.all(
      scenarios.map((scenario) =>
        context.test(scenario.name, async () => {
          const judgements = judge(scenario, recording, undefined, await runScenario(scenario, ciliateInside));
          const faults = judgements.filter((one) => one.faults.length > 0);
          const text = faults.map(({ key, faults: lines }) => [key, ...lines.map((line) => `  ${line}`)].join('\n'));
          assert.equal(faults.length, 0, `${faults.length} of ${judgements.length} differ\n${text.join('\n')}`);
        }),
      ),
    );
  });
}
