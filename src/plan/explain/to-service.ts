import type { PlannedPod } from '../cluster-view.ts';
import type { NodePlan } from '../node-plan.ts';
import type { Backend, ServicePort } from '../services.ts';
import { clusterBackends } from '../verdicts/clusters.ts';
import type { NodeContext } from './context.ts';
import { fullName, servicePort, Unanswerable } from './ends.ts';
import { type Answered, type Asked, merged, partTo } from './parts.ts';
import type { PodName } from './types.ts';

/** An address that leads to a Service's port `number`. */
export interface Frontend extends PodName {
  readonly number: number;
  readonly address: string;
  readonly port: number;
}

export function toService(asked: Asked, context: NodeContext, source: PlannedPod, name: PodName | Frontend): Answered {
  const service = context.services.get(`${name.namespace}/${name.name}`);
  if (!service) throw new Unanswerable(`there is no Service ${name.namespace}/${name.name}`);
  const { question } = asked;
  const port = servicePort('number' in name ? { ...question, port: name.number } : question, service);
  const called = 'number' in name ? { host: name.address, port: name.port } : { host: name.name, port: port.number };
  const taken = takenOver(context.plan, port);
  const backends = taken && taken.backends.length > 0 ? taken.backends : port.backends;
  if (backends.length === 0)
    throw new Unanswerable(`the Service ${fullName(service)} has no backend on port ${port.number}`);
  const places = backends.map((backend) => {
    const owner = context.view.pods.find(({ address }) => address === backend.address);
    const title = `backend ${owner ? fullName(owner) : backend.address}:${backend.port}`;
    return { ...backend, called, title };
  });
  return {
    to: `Service ${fullName(service)}:${port.number}/${port.protocol.toUpperCase()}`,
    parts: merged(places.map((place) => partTo(asked, asked.cluster, source, place))),
    warnings: taken ? [taken.warning] : [],
  };
}

/** The Envoy configuration that has the port, where one has, and the backends of its clusters. */
function takenOver(
  plan: NodePlan,
  { frontends }: ServicePort,
): { readonly warning: string; readonly backends: readonly Backend[] } | undefined {
  const redirect = plan.datapath.serviceRedirects.find((one) =>
    frontends.some(({ address, port }) => address === one.address && port === one.port),
  );
  if (!redirect) return undefined;
  const [key, names] = [...plan.envoyConfigResources].find(([, own]) => own.includes(redirect.listener)) ?? ['', []];
  const [kind = '', namespace = '', name = ''] = key.split('/');
  const backends = names.flatMap((cluster) => clusterBackends(plan, cluster));
  return {
    warning:
      `${kind} ${namespace === '' ? name : `${namespace}/${name}`} takes this port over: its routes choose among its backends and may ` +
      'rewrite the request; policy judges the request as it leaves for the backend',
    backends: [...new Map(backends.map((backend) => [`${backend.address}:${backend.port}`, backend])).values()],
  };
}
