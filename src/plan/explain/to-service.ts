import type { PlannedPod } from '../cluster-view.ts';
import type { Backend } from '../services.ts';
import type { NodeContext } from './context.ts';
import { fullName, servicePort, Unanswerable } from './ends.ts';
import { type Answered, type Asked, backendPlace, merged, type Place, partTo } from './parts.ts';
import { partsTo } from './places.ts';
import { type TakenBy, takenFrontend } from './taken.ts';
import { backendsBehind, takenParts } from './taken-parts.ts';
import type { PodName } from './types.ts';

/** An address that leads to a Service's port `number`. */
export interface Frontend extends PodName {
  readonly number: number;
  readonly address: string;
  readonly port: number;
}

interface Taken {
  readonly taken: TakenBy;
  readonly called: Place['called'];
  /** The Service's own. */
  readonly backends: readonly Backend[];
}

export function toService(asked: Asked, context: NodeContext, source: PlannedPod, name: PodName | Frontend): Answered {
  const service = context.services.get(`${name.namespace}/${name.name}`);
  if (!service) throw new Unanswerable(`there is no Service ${name.namespace}/${name.name}`);
  const { question } = asked;
  const port = servicePort('number' in name ? { ...question, port: name.number } : question, service);
  const called = 'number' in name ? { host: name.address, port: name.port } : { host: name.name, port: port.number };
  const to = `Service ${fullName(service)}:${port.number}/${port.protocol.toUpperCase()}`;
  const taken = takenFrontend(context, 'number' in name ? [name] : port.frontends);
  if (taken) return { to, ...throughListener(asked, context, source, { taken, called, backends: port.backends }) };
  if (port.backends.length === 0) {
    throw new Unanswerable(`the Service ${fullName(service)} has no backend on port ${port.number}`);
  }
  const places = port.backends.map((backend) => backendPlace(context, backend, called));
  return { to, ...partsTo(asked, asked.cluster, source, places) };
}

/** Where the routes cannot be followed: all backends that the configuration's clusters have, judged as the client's request comes. */
function throughListener(
  asked: Asked,
  context: NodeContext,
  source: PlannedPod,
  { taken, called, backends: own }: Taken,
): Pick<Answered, 'parts' | 'warnings'> {
  const followed = takenParts(asked, source, { world: asked.cluster, taken, called, before: [] });
  if (followed.ok) return followed.value;
  const { kind, namespace, name: short } = taken.listener.candidate.config;
  const name = namespace === undefined ? short : `${namespace}/${short}`;
  const behind = backendsBehind(context, taken);
  const backends = behind.length > 0 ? behind : own;
  if (backends.length === 0) throw new Unanswerable(`the clusters of ${kind} ${name} have no backends`);
  const places = backends.map((backend) => backendPlace(context, backend, called));
  return {
    parts: merged(places.map((place) => partTo(asked, asked.cluster, source, place))),
    warnings: [
      `${kind} ${name} takes this port over: its routes choose among its backends and may rewrite the request; policy judges the request as it ` +
        `leaves for the backend; ${followed.error}`,
    ],
  };
}
