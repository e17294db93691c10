import { rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Logger, longestTimerMs } from '../../base/index.ts';
import { ContainerRunner } from './container-runner.ts';
import type { PodPlace } from './downward.ts';
import { type NodeContext, type PodContext, timeText } from './pod-context.ts';
import { podFiles, podHostname } from './pod-files.ts';
import type { PodNetwork } from './pod-network.ts';
import { insist, setUpPodNetwork, setUpVolumes } from './pod-setup.ts';
import { podStatus } from './pod-status.ts';
import { initialRecord, initialRecords, type Records } from './records.ts';
import { type Container, type ContainerRecord, isInitSidecar, type PodObject } from './types.ts';
import type { PreparedVolumes } from './volumes.ts';

const defaultGraceSeconds = 30;

/** A pod on its node, from the moment it is bound until nothing of it is left. */
export class PodWorker {
  readonly #node: NodeContext;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #directory: string;
  readonly #logDirectory: string;
  readonly #startTime: string;
  readonly #uid: string;
  readonly #namespace: string;
  /** What the containers begin with; read once, since the status that it comes from is then written over. */
  readonly #initial: Records;
  readonly #finished: Promise<void>;
  #pod: PodObject;
  #network: PodNetwork | undefined;
  #volumes: PreparedVolumes | undefined;
  #initRunners: readonly ContainerRunner[] = [];
  #runners: readonly ContainerRunner[] = [];
  #failure: { readonly reason: string; readonly message: string } | undefined;
  /** The object is no longer this worker's to write. */
  #released = false;
  #publishing = false;
  #stopped: Promise<unknown> | undefined;
  #graceEnds = Number.POSITIVE_INFINITY;
  #killTimer: NodeJS.Timeout | undefined;

  /** Starts the work on a pod that is bound to this node. `previous` is the end of an earlier pod of the same name, waited for first. */
  constructor(node: NodeContext, pod: PodObject, previous: Promise<void>) {
    const { name, namespace = 'default', uid = '' } = pod.metadata;
    this.#node = node;
    this.#pod = pod;
    this.#uid = uid;
    this.#namespace = namespace;
    this.#log = node.log.child({ pod: `${namespace}/${name}`, node: node.node.name });
    this.#directory = path.join(node.runDirectory, 'pods', uid);
    this.#logDirectory = path.join(node.stateDirectory, 'logs', uid);
    this.#startTime = pod.status?.startTime ?? timeText(node.clock());
    this.#initial = initialRecords(pod);
    const deadline = this.#startDeadline();
    this.#changed();
    this.#finished = this.#work(previous)
      .catch((error: unknown) => this.#log.error({ error: String(error) }, 'a pod cannot be run'))
      .then(() => this.#stopped)
      .then(() => {
        clearTimeout(this.#killTimer);
        clearTimeout(deadline);
      });
    if (pod.metadata.deletionTimestamp) this.#end();
  }

  get pod(): PodObject {
    return this.#pod;
  }

  /** Path of the namespace that the pod's ports are in; undefined before it has one. */
  get network(): string | undefined {
    return this.#pod.spec.hostNetwork ? this.#node.node.network : this.#network?.network;
  }

  container(name: string): ContainerRunner | undefined {
    return this.#all().find((runner) => runner.spec.name === name);
  }

  /** A newer version of the object; a deletion timestamp in it begins the end. */
  update(pod: PodObject): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp) this.#end();
  }

  /** ConfigMaps or Secrets may have changed. */
  refreshVolumes(): void {
    try {
      this.#volumes?.refresh();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#node.events.record(this.#pod, 'Warning', 'FailedMount', message);
    }
  }

  /** Ends the pod at once and leaves its object alone; `forget` when that is gone and its logs may go too. */
  async remove({ forget }: { readonly forget: boolean }): Promise<void> {
    this.#released = true;
    this.#stop(0);
    await this.#finished;
    if (forget) rmSync(this.#logDirectory, { recursive: true, force: true });
  }

  async #work(previous: Promise<void>): Promise<void> {
    await previous;
    const interrupted = this.#initial.containers.some(({ restartCount }) => restartCount > 0);
    if (interrupted && this.#pod.spec.restartPolicy === 'Never') {
      this.#failure = { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' };
      return this.#publish();
    }
    if (interrupted) {
      const message = 'Pod sandbox changed, it will be killed and re-created.';
      this.#node.events.record(this.#pod, 'Normal', 'SandboxChanged', message);
    }
    try {
      const context = await this.#setUp();
      if (context) await this.#runContainers(context);
    } finally {
      // What is in the status stays; the rest of a pod that has done its work is given back.
      this.#publish();
      await this.#tearDown();
    }
  }

  async #setUp(): Promise<PodContext | undefined> {
    const { node } = this.#node;
    const { signal } = this.#stopping;
    const pod = (): PodObject => this.#pod;
    if (!this.#pod.spec.hostNetwork) {
      this.#network = await insist(this.#node, pod, 'FailedCreatePodSandBox', signal, () =>
        setUpPodNetwork(this.#node, pod()),
      );
      if (!this.#network) return undefined;
    }
    const podAddress = this.#network?.address ?? node.address;
    const place = { nodeName: node.name, hostAddress: node.address, podAddress };
    this.#changed();
    this.#volumes = await insist(this.#node, pod, 'FailedMount', signal, () =>
      setUpVolumes(this.#node, pod(), place, this.#directory),
    );
    return this.#volumes && this.#context(this.#volumes, place);
  }

  #context(volumes: PreparedVolumes, place: PodPlace): PodContext {
    const { clusterDns, clusterDomain, hostResolver, node } = this.#node;
    const { spec, metadata } = this.#pod;
    const described = { name: metadata.name, namespace: this.#namespace, spec, address: place.podAddress };
    return {
      ...this.#node,
      pod: () => this.#pod,
      place,
      network: this.#network?.network ?? node.network,
      hostname: spec.hostNetwork ? node.name : podHostname(described),
      etc: podFiles({ ...described, clusterDns, clusterDomain, hostResolver }),
      volumes,
      directory: this.#directory,
      logDirectory: this.#logDirectory,
      stopping: this.#stopping.signal,
      changed: () => this.#changed(),
    };
  }

  async #runContainers(context: PodContext): Promise<void> {
    const { initContainers = [], containers } = this.#pod.spec;
    const records = this.#initial;
    const runner = (spec: Container, role: 'init' | 'sidecar' | 'main'): ContainerRunner => {
      const known = [...records.initContainers, ...records.containers].find(({ name }) => name === spec.name);
      return new ContainerRunner(spec, role, known ?? initialRecord(spec, undefined, 'ContainerCreating'), context);
    };
    this.#initRunners = initContainers.map((spec) => runner(spec, isInitSidecar(spec) ? 'sidecar' : 'init'));
    this.#runners = containers.map((spec) => runner(spec, 'main'));
    const sidecars: Promise<void>[] = [];
    for (const init of this.#initRunners) {
      const run = init.run();
      if (isInitSidecar(init.spec)) {
        sidecars.push(run);
        await init.started;
      } else {
        await run;
        if (init.record.state?.terminated?.exitCode !== 0) return this.#endSidecars(sidecars);
      }
      if (this.#stopping.signal.aborted) break;
    }
    await Promise.all(this.#runners.map((main) => main.run()));
    await this.#endSidecars(sidecars);
  }

  async #endSidecars(sidecars: readonly Promise<void>[]): Promise<void> {
    if (sidecars.length === 0) return;
    this.#stop(this.#graceSeconds() * 1000);
    await Promise.all(sidecars);
  }

  #all(): readonly ContainerRunner[] {
    return [...this.#runners, ...this.#initRunners];
  }

  #records(): Records {
    if (this.#runners.length === 0) return this.#initial;
    const record = (runner: ContainerRunner): ContainerRecord => runner.record;
    return { initContainers: this.#initRunners.map(record), containers: this.#runners.map(record) };
  }

  #changed(): void {
    if (this.#publishing) return;
    this.#publishing = true;
    setImmediate(() => this.#publish());
  }

  #publish(): void {
    this.#publishing = false;
    if (this.#released) return;
    const { store, node, clock } = this.#node;
    const hostNetwork = this.#pod.spec.hostNetwork === true;
    const status = podStatus({
      pod: this.#pod,
      podAddress: hostNetwork ? node.address : this.#network?.address,
      hostAddress: node.address,
      startTime: this.#startTime,
      ...this.#records(),
      sandboxReady: this.#volumes !== undefined,
      failure: this.#failure,
      now: timeText(clock()),
    });
    if (isDeepStrictEqual(status, this.#pod.status)) return;
    const stored = store.get<PodObject>('pods', this.#namespace, this.#pod.metadata.name);
    if (!stored || stored.metadata.uid !== this.#uid) return;
    const { resourceVersion: _, ...metadata } = stored.metadata;
    try {
      this.#pod = store.update<PodObject>('pods', { ...stored, metadata, status }, { subresource: 'status' });
    } catch (error) {
      this.#log.error({ error: String(error) }, 'the status of a pod cannot be written');
    }
  }

  async #tearDown(): Promise<void> {
    await this.#network?.remove().catch((error: unknown) => {
      this.#log.warn({ error: String(error) }, 'a pod network stays behind');
    });
    this.#network = undefined;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Ends the containers; a later call may only shorten the grace period. */
  #stop(graceMs: number): void {
    const ends = performance.now() + graceMs;
    if (ends >= this.#graceEnds) return;
    this.#graceEnds = ends;
    this.#stopping.abort();
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => {
      for (const runner of this.#all()) runner.kill();
    }, graceMs);
    this.#stopped ??= Promise.all(this.#all().map((runner) => runner.stop(graceMs)));
  }

  /** Ends the pod gracefully, as its deletion asks, and then removes its object. */
  #end(): void {
    const first = this.#stopped === undefined;
    this.#stop((this.#pod.metadata.deletionGracePeriodSeconds ?? this.#graceSeconds()) * 1000);
    if (!first) return;
    void this.#finished.then(() => {
      if (this.#released) return;
      const { store } = this.#node;
      const { name } = this.#pod.metadata;
      if (store.get('pods', this.#namespace, name)?.metadata.uid !== this.#uid) return;
      store.delete('pods', this.#namespace, name, { uid: this.#uid, gracePeriodSeconds: 0 });
    });
  }

  #graceSeconds(): number {
    return this.#pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  }

  #startDeadline(): NodeJS.Timeout | undefined {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    if (seconds === undefined) return undefined;
    const expire = (): void => {
      this.#failure = {
        reason: 'DeadlineExceeded',
        message: 'Pod was active on the node longer than the specified deadline',
      };
      this.#stop(this.#graceSeconds() * 1000);
    };
    return setTimeout(expire, Math.min(seconds * 1000, longestTimerMs));
  }
}
