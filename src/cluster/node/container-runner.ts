import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { ResidentProgram } from '../images/index.ts';
import { type ContainerExit, type Container as RunningContainer, startContainer } from './container.ts';
import { type ContainerPlan, missingCommand, planContainer } from './container-plan.ts';
import { layOutContainerRoot } from './container-root.ts';
import { type ExecPlace, runHook, runInside } from './hook.ts';
import { type ContainerLog, openContainerLog } from './log-file.ts';
import { type PodContext, pause, timeText } from './pod-context.ts';
import { type ProbeTarget, runProbe } from './probe-action.ts';
import { startProber } from './prober.ts';
import { startResident } from './resident.ts';
import { type Role, restartDelays, restarts } from './restart-policy.ts';
import type { Container, ContainerRecord, Probe } from './types.ts';
import { containerMounts } from './volumes.ts';

interface Run {
  readonly container: RunningContainer;
  readonly plan: ContainerPlan;
}

const retryMs = 2000;
const postStartMs = 30_000;

/** One container of a pod over all its restarts. */
export class ContainerRunner {
  readonly spec: Container;
  /** Resolves once the container counts as started (its startup probe included), or will not run. */
  readonly started: Promise<void>;
  readonly #role: Role;
  readonly #context: PodContext;
  readonly #markStarted: () => void;
  readonly #nextDelay = restartDelays();
  #record: ContainerRecord;
  #run: Run | undefined;
  #logs: { readonly current?: ContainerLog; readonly previous?: ContainerLog } = {};

  constructor(spec: Container, role: Role, initial: ContainerRecord, context: PodContext) {
    this.spec = spec;
    this.#role = role;
    this.#record = initial;
    this.#context = context;
    const started = Promise.withResolvers<void>();
    this.started = started.promise;
    this.#markStarted = started.resolve;
  }

  get record(): ContainerRecord {
    return this.#record;
  }

  /** The process to run commands beside; undefined while the container does not run, and where it has no process of its own. */
  get place(): ExecPlace | undefined {
    return this.#run && placeOf(this.#run);
  }

  log(previous: boolean): ContainerLog | undefined {
    return previous ? this.#logs.previous : this.#logs.current;
  }

  /** Runs it until it will not be started again. Never rejects. */
  async run(): Promise<void> {
    while (!this.#context.stopping.aborted) {
      const plan = await this.#plan();
      if (!plan) break;
      const { exitCode, ranMs } = await this.#runOnce(plan);
      if (!restarts(this.#role, this.#context.pod().spec.restartPolicy ?? 'Always', exitCode)) break;
      await this.#backOff(ranMs);
    }
    this.#markStarted();
  }

  /** Ends the present run: `preStop`, SIGTERM, and SIGKILL when the grace period is over. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#run) return;
    this.#event('Normal', 'Killing', `Stopping container ${this.spec.name}`);
    await this.#stopRun(graceMs);
  }

  kill(): void {
    this.#run?.container.kill();
  }

  #change(part: Partial<ContainerRecord>): void {
    this.#record = { ...this.#record, ...part };
    if (this.#record.started) this.#markStarted();
    this.#context.changed();
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.events.record(this.#context.pod(), type, reason, message, this.spec.name);
  }

  /** Waits until image and environment are there; undefined when the pod stops before. */
  async #plan(): Promise<ContainerPlan | undefined> {
    let told: string | undefined;
    while (!this.#context.stopping.aborted) {
      const plan = planContainer(this.spec, this.#context);
      if (plan.ok) return plan.value;
      const { reason, message } = plan.error;
      if (told !== message) {
        this.#change({ state: { waiting: { reason, message } }, ready: false, started: false });
        if (reason === 'ErrImageNeverPull') this.#event('Warning', reason, message);
        else this.#event('Warning', 'Failed', `Error: ${message}`);
        told = message;
      }
      await pause(retryMs, this.#context.stopping);
    }
    return undefined;
  }

  async #runOnce(plan: ContainerPlan): Promise<{ exitCode: number; ranMs: number }> {
    const directory = path.join(this.#context.directory, `${this.spec.name}-${this.#record.restartCount}`);
    const containerID = `ciliate://${randomBytes(32).toString('hex')}`;
    const startedAt = timeText(this.#context.clock());
    const begun = performance.now();
    this.#event('Normal', 'Pulled', `Container image "${this.spec.image}" already present on machine`);
    const exit = await this.#startAndWait(plan, directory, { containerID, startedAt }).catch(startFailure);
    this.#run = undefined;
    rmSync(directory, { recursive: true, force: true });
    if (exit.error !== undefined) this.#event('Warning', 'Failed', `Error: ${exit.error}`);
    const terminated = {
      exitCode: exit.exitCode,
      reason: exit.error !== undefined ? 'StartError' : exit.exitCode === 0 ? 'Completed' : 'Error',
      ...(exit.error === undefined ? {} : { message: exit.error }),
      startedAt,
      finishedAt: timeText(this.#context.clock()),
      containerID,
    };
    this.#change({ state: { terminated }, ready: this.#role === 'init' && exit.exitCode === 0, started: false });
    return { exitCode: exit.exitCode, ranMs: performance.now() - begun };
  }

  async #startAndWait(
    plan: ContainerPlan,
    directory: string,
    { containerID, startedAt }: { readonly containerID: string; readonly startedAt: string },
  ): Promise<ContainerExit> {
    const container = plan.resident ? this.#startResident(plan.resident) : this.#startProcess(plan, directory);
    this.#run = { container, plan };
    this.#event('Normal', 'Started', `Started container ${this.spec.name}`);
    const probing = new AbortController();
    const started = !this.spec.startupProbe;
    this.#change({
      state: { running: { startedAt } },
      containerID,
      image: this.spec.image ?? '',
      imageID: plan.imageId,
      started,
      ready: started && !this.spec.readinessProbe && this.#role !== 'init',
    });
    void this.#hookAndProbes(this.#run, probing.signal);
    const exit = await container.exited;
    probing.abort();
    return exit;
  }

  #startResident(program: ResidentProgram): RunningContainer {
    this.#event('Normal', 'Created', `Created container: ${this.spec.name}`);
    return startResident(program, this.#context.network, this.#openLog());
  }

  #startProcess(plan: ContainerPlan, directory: string): RunningContainer {
    const { images, base, etc, volumes, network, hostname } = this.#context;
    const missing = missingCommand(plan.command[0] ?? '', plan.environment, Object.keys(images.tools));
    if (missing !== undefined) throw new Error(`failed to create containerd task: ${missing}`);
    const mounts = containerMounts(this.spec, volumes);
    const { workingDirectory } = plan;
    const root = layOutContainerRoot({ base, directory, etc, volumes: mounts, workingDirectory });
    this.#warnOfUser();
    this.#event('Normal', 'Created', `Created container: ${this.spec.name}`);
    return startContainer({ ...plan, sandbox: { network, hostname, ...root }, log: this.#openLog() });
  }

  #warnOfUser(): void {
    const user = this.spec.securityContext?.runAsUser ?? this.#context.pod().spec.securityContext?.runAsUser;
    if (user === undefined || user === 0) return;
    const message = `runAsUser ${user} has no effect here: containers run as user 0 of the cluster's own user namespace`;
    this.#event('Warning', 'SecurityContextIgnored', message);
  }

  #openLog(): ContainerLog {
    const file = (attempt: number): string => path.join(this.#context.logDirectory, this.spec.name, `${attempt}.log`);
    const attempt = this.#record.restartCount;
    this.#logs.previous?.delete();
    const before = this.#logs.current === undefined && attempt > 0 && existsSync(file(attempt - 1));
    const previous = before ? openContainerLog(file(attempt - 1), this.#context.clock, true) : this.#logs.current;
    const current = openContainerLog(file(attempt), this.#context.clock);
    this.#logs = { current, ...(previous ? { previous } : {}) };
    return current;
  }

  #probeTarget(run: Run): ProbeTarget {
    const place = placeOf(run);
    return {
      podAddress: this.#context.place.podAddress,
      network: this.#context.node.network,
      container: this.spec,
      exec: async (command, timeoutMs) => {
        if (!place) throw new Error(withoutProcess(this.spec.name));
        return runInside(place, command, timeoutMs);
      },
    };
  }

  async #hookAndProbes(run: Run, signal: AbortSignal): Promise<void> {
    const target = this.#probeTarget(run);
    if (this.spec.lifecycle?.postStart) {
      const failure = await runHook(this.spec.lifecycle.postStart, target, postStartMs);
      if (signal.aborted) return;
      if (failure !== undefined) {
        this.#event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
        return run.container.kill();
      }
    }
    if (!this.spec.startupProbe) return this.#probe(target, signal);
    const gate = new AbortController();
    signal.addEventListener('abort', () => gate.abort(), { once: true });
    this.#watch('Startup', target, gate.signal, (answer) => {
      gate.abort();
      if (answer === 'failure') return this.#unhealthy('startup', this.spec.startupProbe);
      this.#change({ started: true, ready: !this.spec.readinessProbe && this.#role !== 'init' });
      this.#probe(target, signal);
    });
  }

  #probe(target: ProbeTarget, signal: AbortSignal): void {
    this.#watch('Readiness', target, signal, (answer) => {
      const ready = answer === 'success';
      if (this.#record.ready !== ready) this.#change({ ready });
    });
    const ended = new AbortController();
    signal.addEventListener('abort', () => ended.abort(), { once: true });
    this.#watch('Liveness', target, ended.signal, (answer) => {
      if (answer === 'success') return;
      ended.abort();
      this.#unhealthy('liveness', this.spec.livenessProbe);
    });
  }

  #watch(kind: ProbeKind, target: ProbeTarget, signal: AbortSignal, onAnswer: (answer: Answer) => void): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.spec;
    const probe = { Startup: startupProbe, Readiness: readinessProbe, Liveness: livenessProbe }[kind];
    if (!probe) return;
    startProber({
      probe,
      run: () => runProbe(probe, target),
      onResult: ({ success, message }) => {
        if (!success) this.#event('Warning', 'Unhealthy', `${kind} probe failed: ${message}`);
      },
      onAnswer,
      signal,
    });
  }

  #unhealthy(kind: string, probe: Probe | undefined): void {
    const { name } = this.spec;
    this.#event('Normal', 'Killing', `Container ${name} failed ${kind} probe, will be restarted`);
    const seconds =
      probe?.terminationGracePeriodSeconds ?? this.#context.pod().spec.terminationGracePeriodSeconds ?? 30;
    void this.#stopRun(seconds * 1000);
  }

  async #stopRun(graceMs: number): Promise<void> {
    const run = this.#run;
    if (!run) return;
    const deadline = performance.now() + graceMs;
    const timer = setTimeout(() => run.container.kill(), graceMs);
    const preStop = this.spec.lifecycle?.preStop;
    if (preStop) {
      const ended = run.container.exited.then(() => undefined);
      const failure = await Promise.race([runHook(preStop, this.#probeTarget(run), graceMs), ended]);
      if (failure !== undefined) this.#event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${failure}`);
    }
    if (performance.now() < deadline) run.container.signal('SIGTERM');
    await run.container.exited;
    clearTimeout(timer);
  }

  async #backOff(ranMs: number): Promise<void> {
    const { stopping, pod } = this.#context;
    const waitMs = this.#nextDelay(ranMs);
    const lastState = this.#record.state ?? {};
    if (waitMs > 0 && !stopping.aborted) {
      const { name, namespace, uid } = pod().metadata;
      const owner = `${name}_${namespace}(${uid})`;
      const message = `back-off ${durationText(waitMs)} restarting failed container=${this.spec.name} pod=${owner}`;
      this.#change({ state: { waiting: { reason: 'CrashLoopBackOff', message } }, lastState });
      this.#event('Warning', 'BackOff', `Back-off restarting failed container ${this.spec.name} in pod ${owner}`);
      await pause(waitMs, stopping);
    }
    // A container that meets the pod's end while it waits has ended as its last run did.
    if (stopping.aborted) this.#change({ state: lastState });
    else this.#record = { ...this.#record, lastState, restartCount: this.#record.restartCount + 1 };
  }
}

function placeOf({ container, plan }: Run): ExecPlace | undefined {
  const { initPid } = container;
  return initPid === undefined ? undefined : { initPid, ...plan };
}

/** Why no command can be run in a container that runs. */
export function withoutProcess(container: string): string {
  return `container "${container}" runs within the cluster's own process: there is nothing to run a command in`;
}

type ProbeKind = 'Startup' | 'Readiness' | 'Liveness';
type Answer = 'success' | 'failure';

function startFailure(error: unknown): ContainerExit {
  return { exitCode: 128, error: error instanceof Error ? error.message : String(error) };
}

function durationText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
