import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ContainerRunner, createContainerRunner } from './container-runner.ts';
import type { PodPlace } from './downward.ts';
import { lookupFiles } from './lookup.ts';
import { type NodeContext, type PodContext, pause, timeText } from './pod-context.ts';
import { podFiles, podHostname } from './pod-files.ts';
import { createPodNetwork, type PodNetwork } from './pod-network.ts';
import { podPhase, podStatus } from './pod-status.ts';
import { initialRecord } from './records.ts';
import { isInitSidecar, type PodObject } from './types.ts';
import { type PreparedVolumes, prepareVolumes } from './volumes.ts';

/** A pod on its node, from the moment it is bound until nothing of it is left. */
export interface PodWorker {
  /** A newer version of the object; a deletion timestamp in it begins the end. */
  update(pod: PodObject): void;
  /** Ends the pod at once and leaves its object alone: it is gone from the store, or the runtime stops. */
  remove(): Promise<void>;
  /** ConfigMaps or Secrets may have changed. */
  refreshVolumes(): void;
  container(name: string): ContainerRunner | undefined;
  readonly pod: () => PodObject;
  /** Path of the namespace that the pod's ports are in; undefined before it has one. */
  readonly network: () => string | undefined;
  readonly finished: Promise<void>;
}

const retryMs = { base: 500, max: 30_000 };
const defaultGraceSeconds = 30;

/** Starts the work on a pod that is bound to this node. `previous` is the end of an earlier pod of the same name, waited for first. */
export function startPodWorker(node: NodeContext, bound: PodObject, previous: Promise<void>): PodWorker {
  let pod = bound;
  let network: PodNetwork | undefined;
  let volumes: PreparedVolumes | undefined;
  let runners: readonly ContainerRunner[] = [];
  let initRunners: readonly ContainerRunner[] = [];
  let failure: { reason: string; message: string } | undefined;
  let objectGone = false;
  let scheduled = false;
  const stopping = new AbortController();
  const uid = pod.metadata.uid ?? '';
  const namespace = pod.metadata.namespace ?? 'default';
  const directory = path.join(node.runDirectory, 'pods', uid);
  const logDirectory = path.join(node.stateDirectory, 'logs', uid);
  const startTime = pod.status?.startTime ?? timeText(node.clock());
  const hostNetwork = pod.spec.hostNetwork === true;
  const log = node.log.child({ pod: `${namespace}/${pod.metadata.name}`, node: node.node.name });
  const restarted = (pod.status?.containerStatuses ?? []).some(({ containerID }) => containerID);

  const waiting = (pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating';
  const emptyRecords = () => ({
    initContainers: (pod.spec.initContainers ?? []).map((spec) =>
      initialRecord(spec, pod.status?.initContainerStatuses, waiting),
    ),
    containers: pod.spec.containers.map((spec) => initialRecord(spec, pod.status?.containerStatuses, waiting)),
  });
  const records = () =>
    runners.length === 0
      ? emptyRecords()
      : {
          initContainers: initRunners.map((runner) => runner.record()),
          containers: runners.map((runner) => runner.record()),
        };

  function publish(): void {
    scheduled = false;
    if (objectGone) return;
    const status = podStatus({
      pod,
      podAddress: hostNetwork ? node.node.address : network?.address,
      hostAddress: node.node.address,
      startTime,
      ...records(),
      sandboxReady: volumes !== undefined && (hostNetwork || network !== undefined),
      failure,
      now: timeText(node.clock()),
    });
    if (isDeepStrictEqual(status, pod.status)) return;
    const stored = node.store.get<PodObject>('pods', namespace, pod.metadata.name);
    if (!stored || stored.metadata.uid !== uid) return;
    const { resourceVersion: _, ...metadata } = stored.metadata;
    try {
      pod = node.store.update<PodObject>('pods', { ...stored, metadata, status }, { subresource: 'status' });
    } catch (error) {
      log.error({ error: String(error) }, 'the status of a pod cannot be written');
    }
  }

  const changed = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(publish);
  };

  /** Repeats a step with growing pauses until it works; undefined when the pod stops before. */
  async function insist<T>(reason: string, step: () => Promise<T> | T): Promise<T | undefined> {
    for (let waitMs = retryMs.base; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, retryMs.max)) {
      try {
        return await step();
      } catch (error) {
        node.events.record(pod, 'Warning', reason, error instanceof Error ? error.message : String(error));
        await pause(waitMs, stopping.signal);
      }
    }
    return undefined;
  }

  async function setUpNetwork(): Promise<string> {
    if (hostNetwork) return node.node.address;
    const address = node.addresses.allocate(uid);
    if (address === undefined) throw new Error(`Failed to create pod sandbox: no address left in ${node.node.podCidr}`);
    network = await createPodNetwork(node.node, { namespace, name: pod.metadata.name }, address);
    return address;
  }

  function context(address: string, prepared: PreparedVolumes, place: PodPlace): PodContext {
    const { name } = pod.metadata;
    const { clusterDns, clusterDomain, hostResolver } = node;
    return {
      ...node,
      pod: () => pod,
      place,
      network: network?.network ?? node.node.network,
      hostname: hostNetwork ? node.node.name : podHostname({ name, spec: pod.spec }),
      etc: podFiles({ name, namespace, spec: pod.spec, address, clusterDns, clusterDomain, hostResolver }),
      volumes: prepared,
      directory,
      logDirectory,
      stopping: stopping.signal,
      changed,
    };
  }

  async function setUp(): Promise<PodContext | undefined> {
    const files = node.serviceAccountFiles?.(namespace, pod.spec.serviceAccountName ?? 'default');
    mkdirSync(path.join(directory, 'volumes'), { recursive: true });
    const address = await insist('FailedCreatePodSandBox', setUpNetwork);
    if (address === undefined) return undefined;
    const place = { nodeName: node.node.name, hostAddress: node.node.address, podAddress: address };
    changed();
    volumes = await insist('FailedMount', () =>
      prepareVolumes({
        pod,
        place,
        directory: path.join(directory, 'volumes'),
        files: lookupFiles(node.store, namespace),
        serviceAccountFiles:
          files && Object.fromEntries(Object.entries(files).map(([key, text]) => [key, Buffer.from(text)])),
      }),
    );
    return volumes && context(address, volumes, place);
  }

  async function runContainers(shared: PodContext): Promise<void> {
    const { initContainers, containers } = emptyRecords();
    const roleOf = (spec: PodObject['spec']['containers'][number]) => (isInitSidecar(spec) ? 'sidecar' : 'init');
    initRunners = (pod.spec.initContainers ?? []).map((spec, at) =>
      createContainerRunner(spec, roleOf(spec), initContainers[at] ?? initialRecord(spec, undefined, waiting), shared),
    );
    runners = pod.spec.containers.map((spec, at) =>
      createContainerRunner(spec, 'main', containers[at] ?? initialRecord(spec, undefined, waiting), shared),
    );
    changed();
    const sidecars: Promise<void>[] = [];
    for (const runner of initRunners) {
      const run = runner.run();
      if (isInitSidecar(runner.spec)) sidecars.push(run);
      await (isInitSidecar(runner.spec) ? runner.started : run);
      const exit = runner.record().state?.terminated?.exitCode;
      if (stopping.signal.aborted || (!isInitSidecar(runner.spec) && exit !== 0)) return;
    }
    await Promise.all(runners.map((runner) => runner.run()));
    if (sidecars.length === 0) return;
    stopping.abort();
    await stopAll(defaultGraceSeconds * 1000);
    await Promise.all(sidecars);
  }

  const all = (): readonly ContainerRunner[] => [...runners, ...initRunners];
  const stopAll = async (graceMs: number): Promise<void> => {
    await Promise.all(all().map((runner) => runner.stop(graceMs)));
  };

  async function tearDown(): Promise<void> {
    await network?.remove().catch((error: unknown) => log.warn({ error: String(error) }, 'a pod network stays behind'));
    network = undefined;
    node.addresses.release(uid);
    rmSync(directory, { recursive: true, force: true });
  }

  async function work(): Promise<void> {
    await previous;
    if (restarted && pod.spec.restartPolicy === 'Never') {
      failure = { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' };
      return publish();
    }
    if (restarted)
      node.events.record(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    const shared = stopping.signal.aborted ? undefined : await setUp();
    if (shared) await runContainers(shared);
    // What is in the status survives; the rest of a pod that has done its work is given back.
    publish();
    await tearDown();
  }

  let stopped: Promise<void> | undefined;
  let graceEnds = Number.POSITIVE_INFINITY;
  let killTimer: NodeJS.Timeout | undefined;

  /** Ends the containers; a later call may only shorten the grace period. */
  function stop(graceMs: number): void {
    const ends = performance.now() + graceMs;
    if (ends >= graceEnds) return;
    graceEnds = ends;
    stopping.abort();
    clearTimeout(killTimer);
    killTimer = setTimeout(() => {
      for (const runner of all()) runner.kill();
    }, graceMs);
    stopped ??= stopAll(graceMs);
  }

  function deadline(): NodeJS.Timeout | undefined {
    const seconds = pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return undefined;
    return setTimeout(
      () => {
        failure = {
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
        };
        stop((pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds) * 1000);
      },
      Math.min(seconds * 1000, 2 ** 31 - 1),
    );
  }

  const deadlineTimer = deadline();
  changed();
  const finished = work()
    .catch((error: unknown) => log.error({ error: String(error) }, 'a pod cannot be run'))
    .then(() => stopped)
    .then(() => {
      clearTimeout(killTimer);
      clearTimeout(deadlineTimer);
    });

  function end(graceSeconds: number): void {
    stop(graceSeconds * 1000);
    void finished.then(() => {
      if (objectGone) return;
      objectGone = true;
      rmSync(logDirectory, { recursive: true, force: true });
      if (node.store.get<PodObject>('pods', namespace, pod.metadata.name)?.metadata.uid !== uid) return;
      node.store.delete('pods', namespace, pod.metadata.name, { uid, gracePeriodSeconds: 0 });
    });
  }

  if (pod.metadata.deletionTimestamp) end(graceOf(pod));
  return {
    update(newer) {
      pod = newer;
      if (pod.metadata.deletionTimestamp) end(graceOf(pod));
    },
    async remove() {
      objectGone = true;
      stop(0);
      await finished;
      if (existsSync(logDirectory) && !node.store.get('pods', namespace, pod.metadata.name))
        rmSync(logDirectory, { recursive: true, force: true });
    },
    refreshVolumes() {
      try {
        volumes?.refresh();
      } catch (error) {
        node.events.record(pod, 'Warning', 'FailedMount', error instanceof Error ? error.message : String(error));
      }
    },
    container: (name) => all().find((runner) => runner.spec.name === name),
    pod: () => pod,
    network: () => (hostNetwork ? node.node.network : network?.network),
    finished,
  };
}

function graceOf(pod: PodObject): number {
  return pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
}

/** Whether a pod has ended for good, so that its node has nothing to do. */
export function isFinished(pod: PodObject): boolean {
  const { phase, containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  if (phase !== 'Succeeded' && phase !== 'Failed') return false;
  return pod.status?.reason !== undefined || podPhase(pod, containerStatuses, initContainerStatuses) === phase;
}
