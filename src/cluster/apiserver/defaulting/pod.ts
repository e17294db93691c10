import { isRecord, listAt, recordAt, stringAt } from '../schema/shape.ts';

type Draft = Record<string, unknown>;

/** Sets each field that is absent. */
export function setDefaults(draft: Draft, defaults: Draft): void {
  for (const [name, value] of Object.entries(defaults))
    if (draft[name] === undefined || draft[name] === null) draft[name] = value;
}

/** Defaults of a PodSpec as Kubernetes sets them, in place. */
export function defaultPodSpec(spec: unknown): void {
  if (!isRecord(spec)) return;
  setDefaults(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  const account = stringAt(spec, 'serviceAccountName') ?? stringAt(spec, 'serviceAccount');
  if (account) setDefaults(spec, { serviceAccountName: account, serviceAccount: account });
  for (const field of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of listAt(spec, field)) if (isRecord(container)) defaultContainer(container);
  }
  for (const volume of listAt(spec, 'volumes')) if (isRecord(volume)) defaultVolume(volume);
}

/** What only a Pod object gets, not a template: admission's additions. */
export function defaultPod(pod: Draft): void {
  const spec = pod['spec'];
  if (!isRecord(spec)) return;
  defaultPodSpec(spec);
  setDefaults(spec, {
    serviceAccountName: 'default',
    serviceAccount: 'default',
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
    priority: 0,
  });
  const status = recordAt(pod, 'status') ?? {};
  setDefaults(status, { phase: 'Pending', qosClass: qosClass(spec) });
  pod['status'] = status;
  const notReady = {
    effect: 'NoExecute',
    key: 'node.kubernetes.io/not-ready',
    operator: 'Exists',
    tolerationSeconds: 300,
  };
  const unreachable = { ...notReady, key: 'node.kubernetes.io/unreachable' };
  const present = listAt(spec, 'tolerations');
  const missing = [notReady, unreachable].filter(
    ({ key }) => !present.some((one) => stringAt(one, 'key') === key || (isRecord(one) && one['key'] === undefined)),
  );
  if (missing.length > 0) spec['tolerations'] = [...present, ...missing];
}

function defaultContainer(container: Draft): void {
  const image = stringAt(container, 'image') ?? '';
  const tag = /:([^/:@]+)(@.*)?$/.exec(image)?.[1];
  const latest = !image.includes('@') && (tag === undefined || tag === 'latest');
  setDefaults(container, {
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  for (const port of listAt(container, 'ports')) if (isRecord(port)) setDefaults(port, { protocol: 'TCP' });
  for (const entry of listAt(container, 'env')) {
    const ref = recordAt(entry, 'valueFrom', 'fieldRef');
    if (ref) setDefaults(ref, { apiVersion: 'v1' });
  }
  for (const field of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[field];
    if (isRecord(probe)) defaultProbe(probe);
  }
  for (const hook of ['postStart', 'preStop']) defaultHttpGet(recordAt(container, 'lifecycle', hook, 'httpGet'));
  const resources = recordAt(container, 'resources');
  const limits = recordAt(resources, 'limits');
  if (resources && limits) resources['requests'] = { ...limits, ...recordAt(resources, 'requests') };
}

function defaultProbe(probe: Draft): void {
  setDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  for (const field of ['timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']) {
    if (probe[field] === 0)
      probe[field] = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }[field];
  }
  defaultHttpGet(recordAt(probe, 'httpGet'));
  const grpc = recordAt(probe, 'grpc');
  if (grpc) setDefaults(grpc, { service: '' });
}

function defaultHttpGet(get: Draft | undefined): void {
  if (get) setDefaults(get, { path: '/', scheme: 'HTTP' });
}

function defaultVolume(volume: Draft): void {
  if (Object.keys(volume).length === 1 && volume['name'] !== undefined) volume['emptyDir'] = {};
  for (const source of ['configMap', 'secret', 'downwardAPI', 'projected']) {
    const found = volume[source];
    if (isRecord(found)) setDefaults(found, { defaultMode: 420 });
  }
  const hostPath = volume['hostPath'];
  if (isRecord(hostPath)) setDefaults(hostPath, { type: '' });
}

/** Quality of service as Kubernetes derives it from requests and limits of cpu and memory. */
function qosClass(spec: Draft): string {
  const containers = [...listAt(spec, 'containers'), ...listAt(spec, 'initContainers')];
  const amounts = containers.map((container) => ({
    requests: recordAt(container, 'resources', 'requests') ?? {},
    limits: recordAt(container, 'resources', 'limits') ?? {},
  }));
  const names = ['cpu', 'memory'];
  const any = amounts.some(({ requests, limits }) =>
    names.some((name) => requests[name] !== undefined || limits[name] !== undefined),
  );
  if (!any) return 'BestEffort';
  const guaranteed = amounts.every(({ requests, limits }) =>
    names.every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
