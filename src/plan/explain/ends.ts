import { compareText, type PlannedPod } from '../cluster-view.ts';
import type { ServicePort } from '../services.ts';
import type { Cluster, PodName, Question } from './types.ts';

/** Carries a sentence for the user out of the depths. */
export class Unanswerable extends Error {}

/** The pod of that name, else the first of the pods that a workload of that name made. */
export function podOf(cluster: Cluster, pods: readonly PlannedPod[], { namespace, name }: PodName): PlannedPod {
  const own = pods.filter((pod) => pod.namespace === namespace);
  const found =
    own.find((pod) => pod.name === name) ??
    own.filter((pod) => pod.name.startsWith(`${name}-`)).sort((a, b) => compareText(a.name, b.name))[0];
  if (found) return found;
  const raw = cluster.pods.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name);
  if (raw?.spec?.hostNetwork === true)
    throw new Unanswerable(`the pod ${namespace}/${name} has its node's network: ask for the node's address`);
  if (raw) throw new Unanswerable(`the pod ${namespace}/${name} has no address`);
  const names = own.map((pod) => pod.name);
  throw new Unanswerable(
    `there is no pod ${namespace}/${name}; ${names.length > 0 ? `in ${namespace}: ${names.slice(0, 10).join(', ')}` : `${namespace} has none`}`,
  );
}

export function podPort({ port, protocol }: Question, pod: PlannedPod): number {
  if (typeof port === 'number') return port;
  const own = [...pod.namedPorts].filter(([name]) => name.startsWith(`${protocol}/`));
  if (port !== undefined) {
    const number = pod.namedPorts.get(`${protocol}/${port}`);
    if (number !== undefined) return number;
    throw new Unanswerable(
      `the pod ${fullName(pod)} has no ${protocol.toUpperCase()} port ${port}; it has ${own.map(([name]) => name).join(', ') || 'none with a name'}`,
    );
  }
  const [only] = own;
  if (only && own.length === 1) return only[1];
  throw new Unanswerable(
    `--port is missing: the pod ${fullName(pod)} has ${own.length} ${protocol.toUpperCase()} ports with a name`,
  );
}

export function numberOf({ port }: Question): number {
  if (typeof port === 'number') return port;
  throw new Unanswerable(port === undefined ? '--port is missing' : `--port ${port}: an address has no named ports`);
}

export function servicePort(
  { port, protocol }: Question,
  service: PodName & { readonly ports: readonly ServicePort[] },
): ServicePort {
  const ports = service.ports.filter((one) => one.protocol === protocol);
  const found = port === undefined ? ports : ports.filter((one) => one.number === port || one.name === port);
  const [only] = found;
  if (only && found.length === 1) return only;
  const list = service.ports.map((one) => `${one.number}/${one.protocol.toUpperCase()}`).join(', ') || 'no port';
  throw new Unanswerable(
    `${port === undefined ? '--port is missing' : `--port ${port} is none of its ports`}: the Service ${fullName(service)} has ${list}`,
  );
}

export function fullName({ namespace, name }: PodName): string {
  return `${namespace}/${name}`;
}
