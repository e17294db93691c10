/** What one action came to, for the report. */
export interface ActionRecord {
  readonly test: string;
  /** `test/scenario/action: source -> target`. */
  readonly title: string;
  readonly ok: boolean;
  readonly reason?: string | undefined;
}

/** The run in numbers. */
export interface Outcome {
  readonly ok: boolean;
  readonly actions: readonly ActionRecord[];
  readonly testsRun: number;
  readonly testsSkipped: number;
  readonly scenariosSkipped: number;
}

const plural = (count: number, word: string): string => `${count} ${word}`;

/** The closing lines: one of success, or the list of what failed by test. */
export function reportText({ actions, testsRun, testsSkipped, scenariosSkipped }: Outcome): string {
  const failed = actions.filter(({ ok }) => !ok);
  const skipped = `${plural(testsSkipped, 'tests')} skipped, ${plural(scenariosSkipped, 'scenarios')} skipped`;
  if (failed.length === 0) {
    return `\n✅ All ${plural(testsRun, 'tests')} (${plural(actions.length, 'actions')}) successful, ${skipped}.\n`;
  }
  const tests = [...new Set(failed.map(({ test }) => test))];
  const blocks = tests.map((test) => {
    const lines = failed
      .filter((record) => record.test === test)
      .map(({ title, reason }) => `  ❌ ${title}${reason === undefined ? '' : `: ${reason}`}\n`);
    return `Test [${test}]:\n${lines.join('')}`;
  });
  const head = `❌ ${tests.length}/${testsRun} tests failed (${failed.length}/${actions.length} actions), ${skipped}:`;
  return `\n📋 Test Report\n${head}\n${blocks.join('\n')}Error: Connectivity test failed: ${tests.length} tests failed\n`;
}
