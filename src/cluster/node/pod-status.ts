import {
  type Container,
  type ContainerRecord,
  isInitSidecar,
  type PodCondition,
  type PodObject,
  type PodStatus,
} from './types.ts';

export interface PodFacts {
  readonly pod: PodObject;
  /** Empty until the pod has its network. */
  readonly podAddress: string | undefined;
  readonly hostAddress: string;
  readonly startTime: string;
  readonly containers: readonly ContainerRecord[];
  readonly initContainers: readonly ContainerRecord[];
  /** The pod's own network and volumes stand. */
  readonly sandboxReady: boolean;
  /** A reason why the whole pod has failed, such as its deadline. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** The status of a pod as the kubelet computes it. Conditions that others own stay; times change only with the condition. */
export function podStatus(facts: PodFacts): PodStatus {
  const { pod, podAddress, hostAddress, startTime, containers, initContainers, failure } = facts;
  const phase = failure ? 'Failed' : podPhase(pod, containers, initContainers);
  const previous = pod.status ?? {};
  return {
    ...(previous.qosClass === undefined ? {} : { qosClass: previous.qosClass }),
    ...failure,
    phase,
    conditions: conditions(facts, phase, previous.conditions ?? []),
    hostIP: hostAddress,
    hostIPs: [{ ip: hostAddress }],
    ...(podAddress === undefined ? {} : { podIP: podAddress, podIPs: [{ ip: podAddress }] }),
    startTime,
    ...(initContainers.length > 0 ? { initContainerStatuses: [...initContainers] } : {}),
    containerStatuses: [...containers],
  };
}

export function podPhase(
  pod: PodObject,
  containers: readonly ContainerRecord[],
  initContainers: readonly ContainerRecord[],
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const policy = pod.spec.restartPolicy ?? 'Always';
  const specs = pod.spec.initContainers ?? [];
  const initFailed = initContainers.some((record) => failed(record) && policy === 'Never' && !isSidecar(specs, record));
  if (initFailed) return 'Failed';
  if (!initialized(specs, initContainers)) return 'Pending';
  const waiting = containers.filter(
    ({ state, lastState }) => !state?.running && !state?.terminated && !lastState?.terminated,
  );
  if (waiting.length > 0) return 'Pending';
  const running = containers.some(({ state }) => state?.running || state?.waiting);
  if (running || policy === 'Always') return 'Running';
  if (!containers.some(failed)) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

function isSidecar(specs: readonly Container[], record: ContainerRecord): boolean {
  return specs.some((spec) => spec.name === record.name && isInitSidecar(spec));
}

function failed({ state }: ContainerRecord): boolean {
  return (state?.terminated?.exitCode ?? 0) !== 0;
}

/** Whether every init container has done its part. */
function initialized(specs: readonly Container[], records: readonly ContainerRecord[]): boolean {
  return records.every((record) =>
    isSidecar(specs, record) ? record.started === true : record.state?.terminated?.exitCode === 0,
  );
}

function conditions(facts: PodFacts, phase: string, previous: readonly PodCondition[]): PodCondition[] {
  const { pod, containers, initContainers, sandboxReady, now } = facts;
  const specs = pod.spec.initContainers ?? [];
  const initReady = initialized(specs, initContainers);
  const done = phase === 'Succeeded' || phase === 'Failed';
  const unready = [...initContainers.filter((record) => isSidecar(specs, record)), ...containers].filter(
    ({ ready }) => !ready,
  );
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) => previous.find(({ type }) => type === conditionType)?.status !== 'True',
  );
  const notInitialized = initContainers.filter((record) => record.state?.terminated?.exitCode !== 0);
  const containersReady = done
    ? completed(phase)
    : unready.length === 0
      ? yes
      : notReady('ContainersNotReady', 'unready', unready);
  const own: readonly (readonly [string, Answer])[] = [
    ['PodReadyToStartContainers', sandboxReady && !done ? yes : { status: 'False' }],
    ['Initialized', initReady ? yes : notReady('ContainersNotInitialized', 'incomplete', notInitialized)],
    ['Ready', containersReady.status === 'True' && gates.length > 0 ? gatesClosed(gates) : containersReady],
    ['ContainersReady', containersReady],
  ];
  const types = new Set(own.map(([type]) => type));
  return [
    ...own.map(([type, answer]) => withTime(type, answer, previous, now)),
    ...previous.filter(({ type }) => !types.has(type)),
  ];
}

interface Answer {
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}

const yes: Answer = { status: 'True' };

function completed(phase: string): Answer {
  return { status: 'False', reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' };
}

function notReady(reason: string, word: string, records: readonly ContainerRecord[]): Answer {
  const names = records.map(({ name }) => name).join(' ');
  return { status: 'False', reason, message: `containers with ${word} status: [${names}]` };
}

function gatesClosed(gates: readonly { readonly conditionType: string }[]): Answer {
  const names = gates.map(({ conditionType }) => `"${conditionType}"`).join(', ');
  return {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: `the status of pod readiness gate ${names} is not "True"`,
  };
}

function withTime(type: string, answer: Answer, previous: readonly PodCondition[], now: string): PodCondition {
  const before = previous.find((condition) => condition.type === type);
  const lastTransitionTime =
    before?.status === answer.status && before.lastTransitionTime ? before.lastTransitionTime : now;
  return { type, ...answer, lastTransitionTime };
}

/** Whether a pod has ended for good, so that its node has nothing to do. */
export function isFinished(pod: PodObject): boolean {
  const { phase, containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  if (phase !== 'Succeeded' && phase !== 'Failed') return false;
  return pod.status?.reason !== undefined || podPhase(pod, containerStatuses, initContainerStatuses) === phase;
}
