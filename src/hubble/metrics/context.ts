import { fail, ok, type Result } from '../../base/index.ts';
import { type Endpoint, type Flow, TrafficDirection } from '../../model/flow/index.ts';

/** How the two ends of a flow show in a metric's labels (`pkg/hubble/metrics/api`). */
export interface Context {
  /** Of `labelsContext`, in the order in which the labels are written. */
  readonly labels: readonly ContextLabel[];
  readonly source: Side;
  readonly destination: Side;
}

/** What may name an end, the first that is not empty counts; by the direction of the traffic where that has a list of its own. */
interface Side {
  readonly any: readonly Identifier[];
  readonly ingress: readonly Identifier[];
  readonly egress: readonly Identifier[];
}

/** Options that every metric has. */
export const contextOptions = [
  'sourceContext',
  'sourceEgressContext',
  'sourceIngressContext',
  'destinationContext',
  'destinationEgressContext',
  'destinationIngressContext',
  'labelsContext',
] as const;

type End = 'source' | 'destination';
type Identifier = keyof typeof identifiers;
type ContextLabel = keyof typeof labelReaders;

const endpointOf = (flow: Flow, end: End): Endpoint | undefined => flow[end] ?? undefined;
const inNamespace = ({ namespace }: Endpoint, name: string): string => (namespace ? `${namespace}/${name}` : name);
const workloadOf = (endpoint: Endpoint | undefined): string => endpoint?.workloads?.[0]?.name ?? '';

const identifiers = {
  identity: (flow: Flow, end: End) => (endpointOf(flow, end)?.labels ?? []).join(','),
  namespace: (flow: Flow, end: End) => endpointOf(flow, end)?.namespace ?? '',
  pod: (flow: Flow, end: End) => {
    const endpoint = endpointOf(flow, end);
    return endpoint ? inNamespace(endpoint, endpoint.pod_name ?? '') : '';
  },
  'pod-name': (flow: Flow, end: End) => endpointOf(flow, end)?.pod_name ?? '',
  dns: (flow: Flow, end: End) => (flow[`${end}_names`] ?? []).join(','),
  ip: (flow: Flow, end: End) => flow.IP?.[end] ?? '',
  'reserved-identity': (flow: Flow, end: End) => reservedLabel(endpointOf(flow, end)?.labels ?? []),
  workload: (flow: Flow, end: End) => {
    const endpoint = endpointOf(flow, end);
    const name = workloadOf(endpoint);
    return endpoint && name !== '' ? inNamespace(endpoint, name) : '';
  },
  'workload-name': (flow: Flow, end: End) => workloadOf(endpointOf(flow, end)),
  app: (flow: Flow, end: End) => appOf(endpointOf(flow, end)?.labels ?? []),
} as const;

/** The API server's label goes before the others. */
function reservedLabel(labels: readonly string[]): string {
  const apiServer = 'reserved:kube-apiserver';
  return labels.includes(apiServer) ? apiServer : (labels.find((label) => label.startsWith('reserved:')) ?? '');
}

const appLabels = ['k8s:app.kubernetes.io/name=', 'k8s:k8s-app=', 'k8s:app='];

function appOf(labels: readonly string[]): string {
  for (const label of labels) {
    const prefix = appLabels.find((one) => label.startsWith(one));
    if (prefix !== undefined && label.length > prefix.length) return label.slice(prefix.length);
  }
  return '';
}

/** In the order in which Hubble writes them. */
const labelReaders = {
  source_ip: (flow: Flow) => identifiers.ip(flow, 'source'),
  source_pod: (flow: Flow) => identifiers['pod-name'](flow, 'source'),
  source_namespace: (flow: Flow) => identifiers.namespace(flow, 'source'),
  source_workload: (flow: Flow) => identifiers['workload-name'](flow, 'source'),
  source_workload_kind: (flow: Flow) => endpointOf(flow, 'source')?.workloads?.[0]?.kind ?? '',
  source_app: (flow: Flow) => identifiers.app(flow, 'source'),
  destination_ip: (flow: Flow) => identifiers.ip(flow, 'destination'),
  destination_pod: (flow: Flow) => identifiers['pod-name'](flow, 'destination'),
  destination_namespace: (flow: Flow) => identifiers.namespace(flow, 'destination'),
  destination_workload: (flow: Flow) => identifiers['workload-name'](flow, 'destination'),
  destination_workload_kind: (flow: Flow) => endpointOf(flow, 'destination')?.workloads?.[0]?.kind ?? '',
  destination_app: (flow: Flow) => identifiers.app(flow, 'destination'),
  traffic_direction: (flow: Flow) => directionText(flow),
} as const;

/** `ingress`, `egress` or `unknown`. */
export function directionText({ traffic_direction: direction }: Flow): string {
  if (direction === TrafficDirection.INGRESS) return 'ingress';
  return direction === TrafficDirection.EGRESS ? 'egress' : 'unknown';
}

/** Reads the options of contexts, whose names are in lower case. */
export function readContext(options: ReadonlyMap<string, string>): Result<Context, string> {
  const lists = new Map<string, readonly Identifier[]>();
  for (const [name, value] of options) {
    if (name === 'labelscontext') continue;
    const words = value.toLowerCase().split('|');
    const unknown = words.find((word) => !Object.hasOwn(identifiers, word));
    if (unknown !== undefined) {
      return fail(`unknown context ${JSON.stringify(unknown)}; allowed: ${Object.keys(identifiers).join(', ')}`);
    }
    lists.set(name, words as Identifier[]);
  }
  const wanted = options.get('labelscontext')?.split(',') ?? [];
  const unknown = wanted.find((label) => !Object.hasOwn(labelReaders, label));
  if (unknown !== undefined) {
    return fail(
      `invalid labelsContext value ${JSON.stringify(unknown)}; allowed: ${Object.keys(labelReaders).join(', ')}`,
    );
  }
  const side = (end: End): Side => ({
    any: lists.get(`${end}context`) ?? [],
    ingress: lists.get(`${end}ingresscontext`) ?? [],
    egress: lists.get(`${end}egresscontext`) ?? [],
  });
  const labels = (Object.keys(labelReaders) as ContextLabel[]).filter((label) => wanted.includes(label));
  return ok({ labels, source: side('source'), destination: side('destination') });
}

/** The names of a context's labels. */
export function contextLabelNames({ labels, source, destination }: Context): readonly string[] {
  return [...labels, ...(isAsked(source) ? ['source'] : []), ...(isAsked(destination) ? ['destination'] : [])];
}

function isAsked({ any, ingress, egress }: Side): boolean {
  return any.length + ingress.length + egress.length > 0;
}

/** The labels of a flow by name; those that nothing is known of are empty. `turned` reads the ends the other way round. */
export function contextLabels(
  { labels, source, destination }: Context,
  flow: Flow,
  turned = false,
): Record<string, string> {
  const seen = turned ? turnedAround(flow) : flow;
  const values: Record<string, string> = {};
  for (const label of labels) values[label] = labelReaders[label](seen);
  if (isAsked(source)) values['source'] = sideText(source, seen, 'source');
  if (isAsked(destination)) values['destination'] = sideText(destination, seen, 'destination');
  return values;
}

function turnedAround(flow: Flow): Flow {
  return {
    ...flow,
    source: flow.destination ?? null,
    destination: flow.source ?? null,
    source_names: flow.destination_names ?? [],
    destination_names: flow.source_names ?? [],
    ...(flow.IP && { IP: { ...flow.IP, source: flow.IP.destination ?? '', destination: flow.IP.source ?? '' } }),
  };
}

function sideText(side: Side, flow: Flow, end: End): string {
  const direction = directionText(flow);
  const own = direction === 'ingress' ? side.ingress : direction === 'egress' ? side.egress : [];
  for (const identifier of own.length > 0 ? own : side.any) {
    const text = identifiers[identifier](flow, end);
    if (text !== '') return text;
  }
  return '';
}
