import type { PlannedPod } from '../cluster-view.ts';
import type { NodeContext } from './context.ts';
import { fullName, servicePort, Unanswerable } from './ends.ts';
import { type Answered, type Asked, backendPlace, merged, partTo } from './parts.ts';
import { takenPort } from './taken.ts';
import { takenParts } from './taken-parts.ts';
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
  const to = `Service ${fullName(service)}:${port.number}/${port.protocol.toUpperCase()}`;
  const taken = takenPort(context, 'number' in name ? [name] : port.frontends);
  if (taken) return { to, ...takenParts(asked, context, source, { taken, called, backends: port.backends }) };
  if (port.backends.length === 0) {
    throw new Unanswerable(`the Service ${fullName(service)} has no backend on port ${port.number}`);
  }
  const places = port.backends.map((backend) => backendPlace(context, backend, called));
  return { to, parts: merged(places.map((place) => partTo(asked, asked.cluster, source, place))), warnings: [] };
}
