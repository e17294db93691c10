import type { HubbleClient } from '../hubble/index.ts';
import { toNumber } from '../model/flow/index.ts';
import { runAction } from './action.ts';
import { countNodes, deployWorkloads } from './deploy.ts';
import { type Edges, RunFault } from './edges.ts';
import { type ManifestValues, readManifests } from './manifests.ts';
import type { ConnectivityTest, Scenario, Workloads } from './model.ts';
import { applyPolicies, removePolicies } from './policies.ts';
import { type ActionRecord, type Outcome, reportText } from './report.ts';
import { compileTestFilter, type TestFilter } from './test-filter.ts';
import { connectivityTests } from './tests.ts';

export interface ConnectivityOptions {
  /** The cluster's name as printed. */
  readonly context: string;
  /** Values of `--test`. */
  readonly tests: readonly string[];
  /** Default `cilium-test`. */
  readonly namespace?: string;
  /** A name outside of the cluster that answers HTTP on port 80; default `one.one.one.one`. */
  readonly externalTarget?: string;
  readonly singleNode?: boolean;
  readonly forceDeploy?: boolean;
  /** False leaves Hubble alone. */
  readonly hubble?: boolean;
  readonly flowValidation?: 'disabled' | 'warning' | 'strict';
  readonly printFlows?: boolean;
  /** Print the log of every action, not only of those that fail. */
  readonly verbose?: boolean;
}

interface Run {
  readonly edges: Edges;
  readonly options: ConnectivityOptions;
  readonly values: ManifestValues;
  readonly workloads: Workloads;
  readonly hubble: HubbleClient | undefined;
  readonly filter: TestFilter;
}

/**
 * Runs the connectivity test and writes its report. The workloads stay, the policies do not.
 * Throws a `RunFault` when the cluster cannot be tested at all; a failed action is in the outcome.
 */
export async function runConnectivityTest(options: ConnectivityOptions, edges: Edges): Promise<Outcome> {
  const filter = compileTestFilter(options.tests);
  if (!filter.ok) throw new RunFault(filter.error);
  const chosen = connectivityTests.filter((test) => scenariosOf(test, filter.value).length > 0);
  if (chosen.length === 0) {
    const known = connectivityTests.map(({ name }) => name).join(', ');
    throw new RunFault(`no test matches --test ${options.tests.join(',')}; known: ${known}`);
  }
  const values = {
    namespace: options.namespace ?? 'cilium-test',
    externalTarget: options.externalTarget ?? 'one.one.one.one',
  };
  const singleNode = options.singleNode || (await countNodes(edges)) < 2;
  if (singleNode) edges.write('ℹ️  Single-node environment detected, enabling single-node connectivity test\n');
  const workloads = await deployWorkloads(edges, {
    ...values,
    context: options.context,
    singleNode,
    forceDeploy: options.forceDeploy ?? false,
  });
  const hubble = await connectHubble(options, edges);
  try {
    return await runTests({ edges, options, values, workloads, hubble, filter: filter.value });
  } finally {
    hubble?.close();
  }
}

function scenariosOf({ name, scenarios }: ConnectivityTest, filter: TestFilter): Scenario[] {
  return scenarios.filter((scenario) => filter.runs(`${name}/${scenario.name}`));
}

async function connectHubble(options: ConnectivityOptions, edges: Edges): Promise<HubbleClient | undefined> {
  if (options.hubble === false || options.flowValidation === 'disabled') return undefined;
  edges.write('🔭 Enabling Hubble telescope...\n');
  let client: HubbleClient | undefined;
  try {
    client = await edges.hubble();
    await client.connect();
    const { num_flows: current, max_flows: max } = await client.serverStatus();
    edges.write(`ℹ️  Hubble is OK, flows: ${toNumber(current)}/${toNumber(max)}\n`);
    return client;
  } catch (error) {
    client?.close();
    const reason = (error as Error).message;
    if (options.flowValidation === 'strict') throw new RunFault(`Unable to contact Hubble Relay: ${reason}`);
    edges.write(`⚠️  Unable to contact Hubble Relay, disabling Hubble telescope and flow validation: ${reason}\n`);
    return undefined;
  }
}

async function runTests(run: Run): Promise<Outcome> {
  const { edges, filter } = run;
  edges.write('🏃 Running tests...\n');
  const actions: ActionRecord[] = [];
  let testsRun = 0;
  let scenariosSkipped = 0;
  for (const test of connectivityTests) {
    if (edges.signal.aborted) throw new RunFault('interrupted');
    const scenarios = scenariosOf(test, filter);
    if (scenarios.length === 0) {
      edges.write(`\n[=] Skipping Test [${test.name}]\n`);
      continue;
    }
    testsRun++;
    scenariosSkipped += test.scenarios.length - scenarios.length;
    actions.push(...(await runTest(run, test, scenarios)));
  }
  const testsSkipped = connectivityTests.length - testsRun;
  const outcome = { ok: actions.every(({ ok }) => ok), actions, testsRun, testsSkipped, scenariosSkipped };
  edges.write(reportText(outcome));
  return outcome;
}

/** One test: its policies, its scenarios, and the policies away again, whatever happens. */
async function runTest(run: Run, test: ConnectivityTest, scenarios: readonly Scenario[]): Promise<ActionRecord[]> {
  const { edges, values, options } = run;
  edges.write(`\n[=] Test [${test.name}]\n`);
  let log = '';
  const keep = (text: string): void => {
    if (options.verbose) edges.write(text);
    else log += text;
  };
  const policies = test.policies.flatMap((file) => readManifests(file, values));
  const records: ActionRecord[] = [];
  try {
    await applyPolicies(edges, policies, values, keep);
    for (const scenario of scenarios) {
      keep(`  [-] Scenario [${test.name}/${scenario.name}]\n`);
      records.push(...(await runScenario(run, test, scenario, keep)));
    }
  } finally {
    await removePolicies(edges, policies, values, keep);
  }
  edges.write('\n');
  if (!options.verbose && records.some(({ ok }) => !ok)) edges.write(log);
  return records;
}

async function runScenario(
  run: Run,
  test: ConnectivityTest,
  scenario: Scenario,
  keep: (text: string) => void,
): Promise<ActionRecord[]> {
  const { edges, workloads, hubble, options } = run;
  const records: ActionRecord[] = [];
  for (const action of scenario.actions(workloads)) {
    if (edges.signal.aborted) throw new RunFault('interrupted');
    const { source, target } = action;
    const title = `${test.name}/${scenario.name}/${action.name}: ${source.namespace}/${source.name} (${source.address}) -> ${target}`;
    const expectation = test.expect(action, workloads);
    const result = await runAction(edges, hubble, action, expectation, { printFlows: options.printFlows ?? false });
    keep(`  [.] Action [${title}]\n${result.log}`);
    edges.write('.');
    records.push({ test: test.name, title, ok: result.ok, reason: result.reason });
  }
  return records;
}
