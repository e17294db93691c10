import type { HubbleClient } from '../hubble/index.ts';
import { toNumber } from '../model/flow/index.ts';
import { runAction } from './action.ts';
import { countNodes, deployWorkloads } from './deploy.ts';
import { type Edges, RunFault } from './edges.ts';
import { prepareInterception, renewCertificate } from './interception.ts';
import { defaultExternal, defaultNamespace, type ManifestValues, readManifests } from './manifests.ts';
import type { Action, ConnectivityTest, ExternalTargets, Scenario, SourcePorts, Workloads } from './model.ts';
import { applyPolicies, removePolicies } from './policies.ts';
import { widenPorts } from './port-ranges.ts';
import { type ActionRecord, type Outcome, reportText } from './report.ts';
import { compileTestFilter, type TestFilter } from './test-filter.ts';
import { connectivityTests } from './tests.ts';

export interface ConnectivityOptions {
  /** The cluster's name as printed. */
  readonly context: string;
  /** The data of cilium-config: what a test requires must be `true` in it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Values of `--test`. */
  readonly tests: readonly string[];
  /** Default `cilium-test`. */
  readonly namespace?: string;
  /** Names and addresses outside of the cluster that answer HTTP on port 80 and HTTPS on port 443; those absent are of the embedded cluster's stand-in. */
  readonly external?: Partial<ExternalTargets>;
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
  readonly nextPorts: () => SourcePorts;
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
    namespace: options.namespace ?? defaultNamespace,
    external: { ...defaultExternal, ...options.external },
  };
  const singleNode = options.singleNode || (await countNodes(edges)) < 2;
  if (singleNode) edges.write('ℹ️  Single-node environment detected, enabling single-node connectivity test\n');
  const workloads = await deployWorkloads(edges, {
    ...values,
    context: options.context,
    singleNode,
    forceDeploy: options.forceDeploy ?? false,
    hostPods: chosen.some((test) => scenariosOf(test, filter.value).some(({ fromHosts }) => fromHosts)),
  });
  const hubble = await connectHubble(options, edges);
  try {
    return await runTests({
      edges,
      options,
      values,
      workloads,
      hubble,
      filter: filter.value,
      nextPorts: sourcePorts(),
    });
  } finally {
    hubble?.close();
  }
}

/** Ports below those that systems choose by themselves; a few for each action, since one may still be taken by a closed connection. */
function sourcePorts(): () => SourcePorts {
  const [lowest, highest, each] = [20_000, 31_999, 8];
  let next = lowest;
  return () => {
    const first = next;
    next = first + 2 * each > highest ? lowest : first + each;
    return { first, last: first + each - 1 };
  };
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
    const enabled = test.requires === undefined || run.options.settings[test.requires] === 'true';
    const scenarios = enabled ? scenariosOf(test, filter) : [];
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
  const manifests = test.policies.flatMap((file) => readManifests(file, values));
  const interception = test.interception && (await prepareInterception(edges, values, run.workloads.clients));
  const policies = [...(interception?.secrets ?? []), ...(test.portRanges ? manifests.map(widenPorts) : manifests)];
  const records: ActionRecord[] = [];
  try {
    await applyPolicies(edges, policies, values, keep);
    if (interception && test.interception === 'renewed')
      await renewCertificate(edges, interception, values, run.workloads.clients);
    records.push(...(await runScenarios(run, test, scenarios, keep)));
  } finally {
    await removePolicies(edges, policies, values, keep);
  }
  edges.write('\n');
  if (!options.verbose && records.some(({ ok }) => !ok)) edges.write(log);
  return records;
}

/**
 * How many actions of a test run side by side. Their verdicts do not depend on each other, and most of the time of a test is
 * spent on packets that nobody answers.
 */
const actionsAtOnce = 8;

async function runScenarios(
  run: Run,
  test: ConnectivityTest,
  scenarios: readonly Scenario[],
  keep: (text: string) => void,
): Promise<ActionRecord[]> {
  const jobs = scenarios.flatMap((scenario) => scenario.actions(run.workloads).map((action) => ({ scenario, action })));
  const done = await inParallel(jobs, actionsAtOnce, (job) => runJob(run, test, job));
  let scenario: Scenario | undefined;
  for (const [index, { log }] of done.entries()) {
    const own = jobs[index]?.scenario;
    if (own !== scenario) keep(`  [-] Scenario [${test.name}/${own?.name}]\n`);
    scenario = own;
    keep(log);
  }
  return done.map(({ record }) => record);
}

interface Job {
  readonly scenario: Scenario;
  readonly action: Action;
}

async function runJob(
  { edges, workloads, hubble, options, nextPorts }: Run,
  test: ConnectivityTest,
  { scenario, action }: Job,
): Promise<{ readonly record: ActionRecord; readonly log: string }> {
  if (edges.signal.aborted) throw new RunFault('interrupted');
  const { source, target } = action;
  const title = `${test.name}/${scenario.name}/${action.name}: ${source.namespace}/${source.name} (${source.address}) -> ${target}`;
  // Flows of a node's own network name no pod, by which an action's flows are found.
  const ways = { edges, hubble: scenario.fromHosts ? undefined : hubble };
  const expectation = test.expect(action, workloads);
  const result = await runAction(ways, action, expectation, {
    printFlows: options.printFlows ?? false,
    sourcePorts: nextPorts(),
  });
  edges.write('.');
  return {
    record: { test: test.name, title, ok: result.ok, reason: result.reason },
    log: `  [.] Action [${title}]\n${result.log}`,
  };
}

/** Results in the order of the items. When one is rejected no further ones begin, and the rejection comes after all have ended. */
async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const faults: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && faults.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index] as T);
      } catch (fault) {
        faults.push(fault);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (faults.length > 0) throw faults[0];
  return results;
}
