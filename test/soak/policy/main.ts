import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ResourcePath, startInformer, type WatchedObject } from '../../../src/kube/index.ts';
import type { Facts } from '../../policy-model/facts.ts';
import { type Asked, identified, keepAsking, nodeProcess, type SoakCluster, startCluster } from './cluster.ts';
import { type Counts, createJudgement, type Judgement } from './judgement.ts';
import { type Applied, initial, randomChange, randomLabels } from './policies.ts';
import { createVersions, now, type Versions } from './versions.ts';

/**
 * `npm run soak -- --policy [--minutes N] [--seed S] [--changes N] [--keep-labels]`: pods ask each other and the outside, on fresh and on kept
 * connections, while policies of all kinds and CIDR groups change (`--changes` a minute), pods get other labels (not with `--keep-labels`)
 * and agents and data planes are killed. Each answer is held against every version of the policies that may have been in force while it was
 * under way, as the naive reading of `test/policy-model` judges them. Ends with exit code 0 when nothing got through that no version
 * allowed, and nothing failed that every version allowed, but while its own data plane restarted.
 */
const { values } = parseArgs({
  options: {
    policy: { type: 'boolean' },
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    changes: { type: 'string', default: '500' },
    'keep-labels': { type: 'boolean', default: false },
  },
});
const runMs = Number(values.minutes) * 60_000;
const changeEveryMs = 60_000 / Number(values.changes);
const killEveryMs = 5_000;
const reportEveryMs = Math.min(10_000, runMs / 4);
const workersPerPair = { fresh: 2, keeping: 2 };
const settleMaxMs = 30_000;
const nodes = [1, 2];
const observedVersion = 'ciliate.dev/observed-resource-version';
const shownMax = 20;
const labelsEveryMs = 6_000;
/** So long the other node may take to know a pod's new identity; what it has in force of it it does not tell. */
const identityMs = 1_500;

/** The same sequence for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function factsOf({ pods, namespaces }: SoakCluster): Facts {
  const none = { services: [], endpointSlices: [], cidrGroups: [], learntNames: new Map() };
  const addresses = { nodes: [], apiServerAddresses: [] };
  const settings = { nodeLabels: false, hostFirewall: false, audit: false, listeners: new Set<string>() };
  return {
    cluster: 'ciliate',
    mode: 'default',
    everyRuleIsolates: false,
    allowLocalhost: true,
    pods,
    namespaces,
    ...none,
    ...addresses,
    ...settings,
  };
}

/** Sends an object, or deletes it, until the API server does so; gives the resource version that it came to. */
async function send(soak: SoakCluster, { place, object }: Applied): Promise<string> {
  for (let turn = 0; turn < 100; turn++) {
    const version = object ? await applied(soak, place, object) : await deleted(soak, place);
    if (version !== undefined) return version;
    await sleep(100);
  }
  throw new Error(`${place.resource} ${place.name} is not taken`);
}

async function applied({ client }: SoakCluster, place: ResourcePath, object: object): Promise<string | undefined> {
  const options = { type: 'apply', fieldManager: 'soak', force: true } as const;
  const done = await client.patch<WatchedObject>(place, object, options);
  return done.ok ? (done.value.metadata?.resourceVersion ?? '') : undefined;
}

/** What is deleted has no version any more: the list without it has one. */
async function deleted({ client }: SoakCluster, { name, ...all }: ResourcePath): Promise<string | undefined> {
  const done = await client.delete({ ...all, name });
  if (!done.ok && done.error.code !== 404) return undefined;
  const left = await client.list<WatchedObject>(all);
  return left.ok ? left.value.resourceVersion : undefined;
}

async function settled(versions: Versions, ms: number): Promise<void> {
  const deadline = now() + settleMaxMs;
  while (!versions.isSettled(ms)) {
    if (now() > deadline) throw new Error(`the nodes have not taken up the policies of ${settleMaxMs / 1000} s ago`);
    await sleep(50);
  }
}

/** Policies that change, one after the other, until the signal; what labels held up is made up for. */
async function keepChanging(
  soak: SoakCluster,
  versions: Versions,
  random: () => number,
  over: AbortSignal,
): Promise<Changes> {
  const made: Changes = { policies: 0, labels: 0 };
  let labelled = now();
  for (let next = now(); !over.aborted; next += changeEveryMs) {
    await sleep(Math.max(0, next - now()));
    await change(soak, versions, randomChange(random));
    made.policies++;
    if (values['keep-labels'] || now() - labelled < labelsEveryMs) continue;
    // Before and after it all policies are settled, so that no mixture of old labels and new policies can be in force.
    await settledNow(soak, versions);
    const { pod, label, applied: labels } = randomLabels(random, made.labels);
    await change(soak, versions, labels);
    await identified(soak, pod, label);
    await sleep(identityMs);
    await settledNow(soak, versions);
    made.labels++;
    labelled = now();
  }
  return made;
}

interface Changes {
  policies: number;
  labels: number;
}

async function change(soak: SoakCluster, versions: Versions, applied: Applied): Promise<void> {
  const sent = versions.add(keyOf(applied), applied.object);
  sent(await send(soak, applied));
}

function keyOf({ place }: Applied): string {
  return `${place.resource}/${place.name}`;
}

async function keepKilling(
  soak: SoakCluster,
  judgement: Judgement,
  random: () => number,
  over: AbortSignal,
): Promise<void> {
  for (;;) {
    await sleep(killEveryMs, undefined, { signal: over }).catch(() => undefined);
    if (over.aborted) return;
    const node = random() < 0.5 ? 1 : 2;
    const kind = random() < 0.5 ? 'agent' : 'proxy';
    const pid = nodeProcess(soak.cluster.home, node, kind);
    if (pid === undefined) continue;
    const gone = kind === 'proxy' ? judgement.killed(node, now()) : undefined;
    process.kill(pid, 'SIGKILL');
    while (nodeProcess(soak.cluster.home, node, kind) === pid) await sleep(5);
    gone?.(now());
  }
}

async function main(): Promise<number> {
  const soak = await startCluster();
  const over = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => over.abort());
  try {
    const versions = createVersions(
      factsOf(soak),
      initial.map((one) => [keyOf(one), one.object] as const),
      nodes,
    );
    const podNodes = new Map(soak.pods.map(({ status, spec }) => [status?.podIP, Number(spec?.nodeName?.slice(-1))]));
    const judgement = createJudgement(versions, (address) => podNodes.get(address));
    const random = seeded(Number(values.seed));
    const informer = startInformer<WatchedObject & { metadata: { annotations?: Record<string, string> } }>({
      client: soak.client,
      group: 'cilium.io',
      version: 'v2',
      resource: 'ciliumnodes',
      onChange: ({ object: { metadata } }) => {
        versions.confirm(Number(metadata.name?.slice(-1)), metadata.annotations?.[observedVersion] ?? '0');
      },
    });
    for (const one of initial) await change(soak, versions, one);
    await settledNow(soak, versions);
    const waiting: Asked[] = [];
    const timer = setTimeout(() => over.abort(), runMs);
    const startedMs = now();
    const pairs = ['client-1', 'client-2'].flatMap((from) =>
      ['echo-1', 'echo-2', 'world'].map((to) => [from, to] as const),
    );
    const asking = pairs.map((pair) =>
      keepAsking(soak, pair, workersPerPair, (asked) => waiting.push(asked), over.signal).catch((error: unknown) => {
        if (!over.signal.aborted) throw error;
      }),
    );
    const evaluate = (): void => {
      const ready = waiting.filter(({ to }) => versions.isSettled(to));
      const rest = waiting.filter((asked) => !ready.includes(asked));
      waiting.splice(0, waiting.length, ...rest);
      judgement.judge(ready);
      versions.forget(Math.min(now(), ...rest.map(({ from }) => from)) - 5_000);
    };
    let shown = { violations: 0, failures: 0 };
    const reporting = (async () => {
      while (!over.signal.aborted) {
        await sleep(reportEveryMs, undefined, { signal: over.signal }).catch(() => undefined);
        evaluate();
        report(judgement.counts, (now() - startedMs) / 1000);
        shown = showNew(judgement.counts, shown);
      }
    })();
    const [changes] = await Promise.all([
      keepChanging(soak, versions, random, over.signal),
      keepKilling(soak, judgement, random, over.signal),
      reporting,
      ...asking,
    ]);
    clearTimeout(timer);
    await settledNow(soak, versions);
    evaluate();
    showNew(judgement.counts, shown);
    await informer.stop();
    return verdict(judgement.counts, changes, (now() - startedMs) / 60_000);
  } finally {
    over.abort();
    soak.client.close();
    await soak.cluster[Symbol.asyncDispose]();
  }
}

/** Waits until everything that was sent is in force: a further change has been taken up by all nodes. */
async function settledNow(soak: SoakCluster, versions: Versions): Promise<void> {
  const before = now();
  const [standing] = initial;
  if (!standing) return;
  const { spec } = standing.object as { readonly spec: object };
  const object = { ...standing.object, spec: { ...spec, description: String(before) } };
  await change(soak, versions, { ...standing, object });
  await settled(versions, before);
}

function report({ requests, passed, violations, failures, excusedByRestart }: Counts, seconds: number): void {
  console.log(
    `${seconds.toFixed(0).padStart(5)} s  requests ${requests}  passed ${passed}  excused ${excusedByRestart}  violations ${violations.length}  failures ${failures.length}`,
  );
}

interface Shown {
  readonly violations: number;
  readonly failures: number;
}

/** Prints what was found since the time before; of each kind the first few. */
function showNew({ violations, failures }: Counts, shown: Shown): Shown {
  for (const text of violations.slice(shown.violations, shownMax)) console.log(`got through: ${text}`);
  for (const text of failures.slice(shown.failures, shownMax)) console.log(`failed: ${text}`);
  return { violations: violations.length, failures: failures.length };
}

function verdict(counts: Counts, changes: Changes, minutes: number): number {
  const { violations, failures } = counts;
  console.log(`
${counts.requests} requests, ${counts.kept} of them over kept connections, ${Math.round(changes.policies / minutes)} policy changes a minute, ${changes.labels} new identities, ${counts.restarts} restarts of data planes (longest ${Math.round(counts.longestRestartMs)} ms)
  allowed by every version ${counts.always}, by none ${counts.never}, by some ${counts.between}
  got through although no version in force allowed it: ${violations.length}
  failed although every version allowed it: ${failures.length}, beside ${counts.excusedByRestart} while their own data plane restarted and ${counts.excusedByPath} that a change moved to or from the proxy`);
  const isProof = counts.always > 100 && counts.never > 100 && counts.kept > 100;
  if (!isProof) console.log('too few requests for a proof');
  const holds = violations.length === 0 && failures.length === 0 && isProof;
  console.log(holds ? 'policy soak held' : 'policy soak failed');
  return holds ? 0 : 1;
}

process.exitCode = await main();
process.exit();
