import { isRecord, listAt, recordAt, stringAt } from '../schema/shape.ts';
import { defaultPod, defaultPodSpec, setDefaults } from './pod.ts';

type Draft = Record<string, unknown>;

const DEFAULTERS: Readonly<Record<string, (draft: Draft) => void>> = {
  pods: defaultPod,
  services: defaultService,
  secrets: defaultSecret,
  namespaces: defaultNamespace,
  endpoints: defaultEndpoints,
  'deployments.apps': defaultDeployment,
  'replicasets.apps': defaultReplicaSet,
  'daemonsets.apps': defaultDaemonSet,
  'networkpolicies.networking.k8s.io': defaultNetworkPolicy,
  'endpointslices.discovery.k8s.io': defaultEndpointSlice,
  'customresourcedefinitions.apiextensions.k8s.io': defaultResourceDefinition,
};

/** Sets what Kubernetes sets when a built-in object leaves it out, in place. */
export function defaultBuiltin(key: string, draft: Draft): void {
  DEFAULTERS[key]?.(draft);
}

function specOf(draft: Draft): Draft {
  const spec = recordAt(draft, 'spec') ?? {};
  draft['spec'] = spec;
  return spec;
}

function defaultTemplate(spec: Draft): void {
  const template = recordAt(spec, 'template');
  if (!template) return;
  const metadata = recordAt(template, 'metadata') ?? {};
  template['metadata'] = { creationTimestamp: null, ...metadata };
  defaultPodSpec(template['spec']);
}

function defaultDeployment(draft: Draft): void {
  const spec = specOf(draft);
  defaultTemplate(spec);
  setDefaults(spec, { replicas: 1, strategy: {}, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 });
  const strategy = recordAt(spec, 'strategy') ?? {};
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] !== 'RollingUpdate') return;
  setDefaults(strategy, { rollingUpdate: {} });
  const rolling = recordAt(strategy, 'rollingUpdate');
  if (rolling) setDefaults(rolling, { maxUnavailable: '25%', maxSurge: '25%' });
}

function defaultReplicaSet(draft: Draft): void {
  const spec = specOf(draft);
  defaultTemplate(spec);
  setDefaults(spec, { replicas: 1 });
}

function defaultDaemonSet(draft: Draft): void {
  const spec = specOf(draft);
  defaultTemplate(spec);
  setDefaults(spec, { updateStrategy: {}, revisionHistoryLimit: 10 });
  const strategy = recordAt(spec, 'updateStrategy') ?? {};
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy['type'] !== 'RollingUpdate') return;
  setDefaults(strategy, { rollingUpdate: {} });
  const rolling = recordAt(strategy, 'rollingUpdate');
  if (rolling) setDefaults(rolling, { maxUnavailable: 1, maxSurge: 0 });
}

function defaultService(draft: Draft): void {
  const spec = specOf(draft);
  setDefaults(spec, { sessionAffinity: 'None', type: 'ClusterIP' });
  if (spec['sessionAffinity'] === 'ClientIP')
    setDefaults(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } });
  for (const port of listAt(spec, 'ports')) {
    if (!isRecord(port)) continue;
    setDefaults(port, { protocol: 'TCP' });
    if (port['targetPort'] === undefined || port['targetPort'] === 0 || port['targetPort'] === '')
      port['targetPort'] = port['port'];
  }
  setDefaults(draft, { status: { loadBalancer: {} } });
  if (spec['type'] === 'ExternalName') return;
  setDefaults(spec, { internalTrafficPolicy: 'Cluster', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
  if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer')
    setDefaults(spec, { externalTrafficPolicy: 'Cluster' });
  if (spec['type'] === 'LoadBalancer') setDefaults(spec, { allocateLoadBalancerNodePorts: true });
}

function defaultSecret(draft: Draft): void {
  setDefaults(draft, { type: 'Opaque' });
  const plain = recordAt(draft, 'stringData');
  if (!plain) return;
  const data: Draft = { ...recordAt(draft, 'data') };
  for (const [key, value] of Object.entries(plain)) data[key] = Buffer.from(String(value)).toString('base64');
  draft['data'] = data;
  delete draft['stringData'];
}

function defaultNamespace(draft: Draft): void {
  const spec = specOf(draft);
  setDefaults(spec, { finalizers: ['kubernetes'] });
  setDefaults(draft, { status: { phase: 'Active' } });
  const metadata = recordAt(draft, 'metadata');
  const name = stringAt(metadata, 'name');
  if (metadata && name) metadata['labels'] = { ...recordAt(metadata, 'labels'), 'kubernetes.io/metadata.name': name };
}

function defaultEndpoints(draft: Draft): void {
  for (const subset of listAt(draft, 'subsets')) {
    for (const port of listAt(subset, 'ports')) if (isRecord(port)) setDefaults(port, { protocol: 'TCP' });
  }
}

function defaultEndpointSlice(draft: Draft): void {
  for (const port of listAt(draft, 'ports')) if (isRecord(port)) setDefaults(port, { name: '', protocol: 'TCP' });
}

function defaultNetworkPolicy(draft: Draft): void {
  const spec = specOf(draft);
  setDefaults(spec, { podSelector: {} });
  for (const [direction] of [['ingress'], ['egress']] as const) {
    for (const rule of listAt(spec, direction)) {
      for (const port of listAt(rule, 'ports')) if (isRecord(port)) setDefaults(port, { protocol: 'TCP' });
    }
  }
  setDefaults(spec, { policyTypes: listAt(spec, 'egress').length > 0 ? ['Ingress', 'Egress'] : ['Ingress'] });
}

function defaultResourceDefinition(draft: Draft): void {
  const spec = specOf(draft);
  setDefaults(spec, { conversion: { strategy: 'None' } });
  const names = recordAt(spec, 'names');
  const kind = stringAt(names, 'kind');
  if (names && kind) setDefaults(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
}
