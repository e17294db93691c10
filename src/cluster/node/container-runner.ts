import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Container as RunningContainer, startContainer } from './container.ts';
import { type ContainerPlan, missingCommand, planContainer } from './container-plan.ts';
import { layOutContainerRoot } from './container-root.ts';
import { runHook, runInside } from './hook.ts';
import { type ContainerLog, openContainerLog } from './log-file.ts';
import { type PodContext, pause, timeText } from './pod-context.ts';
import { type ProbeTarget, runProbe } from './probe-action.ts';
import { startProber } from './prober.ts';
import { type Role, restartDelays, restarts } from './restart-policy.ts';
import type { Container, ContainerRecord } from './types.ts';
import { containerMounts } from './volumes.ts';

/** One container of a pod over all its restarts. */
export interface ContainerRunner {
  readonly spec: Container;
  readonly record: () => ContainerRecord;
  /** Runs it until it will not be started again. Never rejects. */
  run(): Promise<void>;
  /** Ends the present run: `preStop`, SIGTERM, and SIGKILL when the grace period is over. */
  stop(graceMs: number): Promise<void>;
  kill(): void;
  /** Resolves once the container counts as started (its startup probe included), or will not run. */
  readonly started: Promise<void>;
  /** The process to run commands beside; undefined while the container does not run. */
  place(): { initPid: number; environment: Readonly<Record<string, string>>; workingDirectory: string } | undefined;
  log(previous: boolean): ContainerLog | undefined;
}

interface Run {
  readonly container: RunningContainer;
  readonly plan: ContainerPlan;
}

const retryMs = 2000;

export function createContainerRunner(
  spec: Container,
  role: Role,
  initial: ContainerRecord,
  context: PodContext,
): ContainerRunner {
  let record = initial;
  let run: Run | undefined;
  let logs: { current?: ContainerLog; previous?: ContainerLog } = {};
  const startedOnce = Promise.withResolvers<void>();
  const delay = restartDelays();

  const change = (part: Partial<ContainerRecord>): void => {
    record = { ...record, ...part };
    if (record.started) startedOnce.resolve();
    context.changed();
  };
  const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    context.events.record(context.pod(), type, reason, message, spec.name);
  const logFile = (attempt: number): string => path.join(context.logDirectory, spec.name, `${attempt}.log`);

  /** Waits until image, environment and command are there; undefined when the pod stops before. */
  async function ready(): Promise<ContainerPlan | undefined> {
    let told: string | undefined;
    while (!context.stopping.aborted) {
      const plan = planContainer(spec, context);
      if (plan.ok) return plan.value;
      const { reason, message } = plan.error;
      if (told !== message) {
        change({ state: { waiting: { reason, message } }, ready: false, started: false });
        event(
          'Warning',
          reason === 'ErrImageNeverPull' ? reason : 'Failed',
          reason === 'ErrImageNeverPull' ? message : `Error: ${message}`,
        );
        told = message;
      }
      await pause(retryMs, context.stopping);
    }
    return undefined;
  }

  function openLog(): ContainerLog {
    logs.previous?.delete();
    const before = record.restartCount > 0 ? logFile(record.restartCount - 1) : undefined;
    const previous =
      logs.current ?? (before && existsSync(before) ? openContainerLog(before, context.clock, true) : undefined);
    const current = openContainerLog(logFile(record.restartCount), context.clock);
    logs = { current, ...(previous ? { previous } : {}) };
    return current;
  }

  async function runOnce(plan: ContainerPlan): Promise<{ exitCode: number; ranMs: number }> {
    const directory = path.join(context.directory, `${spec.name}-${record.restartCount}`);
    const id = `ciliate://${randomBytes(32).toString('hex')}`;
    const startedAt = timeText(context.clock());
    const begun = performance.now();
    event('Normal', 'Pulled', `Container image "${spec.image}" already present on machine`);
    const exit = await startAndWait(plan, directory, id, startedAt).catch((error: unknown) => ({
      exitCode: 128,
      error: error instanceof Error ? error.message : String(error),
    }));
    run = undefined;
    rmSync(directory, { recursive: true, force: true });
    if (exit.error !== undefined) event('Warning', 'Failed', `Error: ${exit.error}`);
    const reason = exit.error !== undefined ? 'StartError' : exit.exitCode === 0 ? 'Completed' : 'Error';
    const terminated = {
      exitCode: exit.exitCode,
      reason,
      ...(exit.error === undefined ? {} : { message: exit.error }),
      startedAt,
      finishedAt: timeText(context.clock()),
      containerID: id,
    };
    change({ state: { terminated }, ready: role === 'init' && exit.exitCode === 0, started: false });
    return { exitCode: exit.exitCode, ranMs: performance.now() - begun };
  }

  async function startAndWait(plan: ContainerPlan, directory: string, id: string, startedAt: string) {
    const log = openLog();
    const missing = missingCommand(plan.command[0] ?? '', plan.environment, Object.keys(context.images.tools));
    if (missing !== undefined) {
      log.end();
      throw new Error(`failed to create containerd task: ${missing}`);
    }
    const root = layOutContainerRoot({
      base: context.base,
      directory,
      etc: context.etc,
      volumes: containerMounts(spec, context.volumes),
      workingDirectory: plan.workingDirectory,
    });
    const sandbox = { network: context.network, hostname: context.hostname, ...root };
    event('Normal', 'Created', `Created container: ${spec.name}`);
    const container = startContainer({ ...plan, sandbox, log });
    run = { container, plan };
    event('Normal', 'Started', `Started container ${spec.name}`);
    const running = {
      state: { running: { startedAt } },
      containerID: id,
      image: spec.image ?? '',
      imageID: plan.imageId,
    };
    const probing = new AbortController();
    change({
      ...running,
      started: !spec.startupProbe,
      ready: !spec.startupProbe && !spec.readinessProbe && role !== 'init',
    });
    void hookAndProbes(run, probing.signal);
    const exit = await container.exited;
    probing.abort();
    return exit;
  }

  function probeTarget({ container, plan }: Run): ProbeTarget {
    const place = { initPid: container.initPid, ...plan };
    return {
      podAddress: context.place.podAddress,
      network: context.node.network,
      container: spec,
      exec: (command, timeoutMs) => runInside(place, command, timeoutMs),
    };
  }

  async function hookAndProbes(present: Run, signal: AbortSignal): Promise<void> {
    const target = probeTarget(present);
    if (spec.lifecycle?.postStart) {
      const failure = await runHook(spec.lifecycle.postStart, target, 30_000);
      if (signal.aborted) return;
      if (failure !== undefined) {
        event('Warning', 'FailedPostStartHook', `PostStartHook failed: ${failure}`);
        return present.container.kill();
      }
    }
    if (!spec.startupProbe) return probe(target, signal);
    const gate = new AbortController();
    signal.addEventListener('abort', () => gate.abort(), { once: true });
    watch('Startup', target, gate.signal, (answer) => {
      gate.abort();
      if (answer === 'failure') return unhealthy('startup');
      change({ started: true, ready: !spec.readinessProbe });
      probe(target, signal);
    });
  }

  function probe(target: ProbeTarget, signal: AbortSignal): void {
    watch('Readiness', target, signal, (answer) => {
      if (record.ready !== (answer === 'success')) change({ ready: answer === 'success' });
    });
    watch('Liveness', target, signal, (answer) => {
      if (answer === 'failure') unhealthy('liveness');
    });
  }

  function watch(
    kind: 'Startup' | 'Readiness' | 'Liveness',
    target: ProbeTarget,
    signal: AbortSignal,
    onAnswer: (answer: 'success' | 'failure') => void,
  ): void {
    const wanted = { Startup: spec.startupProbe, Readiness: spec.readinessProbe, Liveness: spec.livenessProbe }[kind];
    if (!wanted) return;
    startProber({
      probe: wanted,
      run: () => runProbe(wanted, target),
      onResult: ({ success, message }) => {
        if (!success) event('Warning', 'Unhealthy', `${kind} probe failed: ${message}`);
      },
      onAnswer,
      signal,
    });
  }

  function unhealthy(kind: string): void {
    event('Normal', 'Killing', `Container ${spec.name} failed ${kind} probe, will be restarted`);
    void stopRun((context.pod().spec.terminationGracePeriodSeconds ?? 30) * 1000);
  }

  async function stopRun(graceMs: number): Promise<void> {
    const present = run;
    if (!present) return;
    const deadline = performance.now() + graceMs;
    const timer = setTimeout(() => present.container.kill(), graceMs);
    const preStop = spec.lifecycle?.preStop;
    if (preStop) {
      const failure = await Promise.race([
        runHook(preStop, probeTarget(present), graceMs),
        present.container.exited.then(() => undefined),
      ]);
      if (failure !== undefined) event('Warning', 'FailedPreStopHook', `PreStopHook failed: ${failure}`);
    }
    if (performance.now() < deadline) present.container.signal('SIGTERM');
    await present.container.exited;
    clearTimeout(timer);
  }

  async function backOff(ranMs: number): Promise<void> {
    const waitMs = delay(ranMs);
    const lastState = record.state ?? {};
    if (waitMs > 0) {
      const { name, namespace, uid } = context.pod().metadata;
      const subject = `${spec.name} in pod ${name}_${namespace}(${uid})`;
      const message = `back-off ${backOffText(waitMs)} restarting failed container=${spec.name} pod=${name}_${namespace}(${uid})`;
      change({ state: { waiting: { reason: 'CrashLoopBackOff', message } }, lastState });
      event('Warning', 'BackOff', `Back-off restarting failed container ${subject}`);
      await pause(waitMs, context.stopping);
    }
    if (!context.stopping.aborted) record = { ...record, lastState, restartCount: record.restartCount + 1 };
    // A container that the pod's end meets while it waits has ended as its last run did.
    else if (record.state?.waiting) change({ state: lastState });
  }

  return {
    spec,
    record: () => record,
    started: startedOnce.promise,
    async run() {
      while (!context.stopping.aborted) {
        const plan = await ready();
        if (!plan) break;
        const { exitCode, ranMs } = await runOnce(plan);
        if (!restarts(role, context.pod().spec.restartPolicy ?? 'Always', exitCode)) break;
        await backOff(ranMs);
      }
      startedOnce.resolve();
    },
    async stop(graceMs) {
      if (!run) return;
      event('Normal', 'Killing', `Stopping container ${spec.name}`);
      await stopRun(graceMs);
    },
    kill: () => run?.container.kill(),
    place: () => run && { initPid: run.container.initPid, ...run.plan },
    log: (previous) => (previous ? logs.previous : logs.current),
  };
}

function backOffText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
