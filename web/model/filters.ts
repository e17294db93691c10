import { word } from './explain.ts';
import type { Endpoint, Party, ShownFlow } from './flow.ts';

/** Reserved identities by the titles of their cards. */
const identities: Readonly<Record<string, number>> = {
  host: 1,
  world: 2,
  health: 4,
  'remote node': 6,
  'kube-apiserver': 7,
  ingress: 8,
};

function identityOf({ title, namespace }: Party): number | undefined {
  return namespace === '' && Object.hasOwn(identities, title) ? identities[title] : undefined;
}

/** Filter flags that select the flows of a card; undefined for one of which nothing is known. */
export function filterOf(party: Party): string | undefined {
  const { title, namespace, kind } = party;
  if (kind === 'Service') return `--service ${word(`${namespace}/${title}`)}`;
  if (namespace !== '') return `--workload ${word(title)} --namespace ${word(namespace)}`;
  if (title === 'unknown') return undefined;
  const identity = identityOf(party);
  return identity === undefined ? `--fqdn ${word(title)}` : `--identity ${identity}`;
}

/**
 * The flag that hides the flows of a card. It is a filter of its own in the list of denials, since all that follows `--not` makes one
 * filter together, which would only hide what is true of every hidden card at once.
 */
export function filterWithout(party: Party): string {
  const sides = ['source', 'destination'].map((side) => JSON.stringify(fieldsOf(party, side)));
  return `--denylist ${word(sides.join(''))}`;
}

function fieldsOf(party: Party, side: string): object {
  const { title, namespace, kind } = party;
  if (kind === 'Service') return { [`${side}_service`]: [`${namespace}/${title}`] };
  if (namespace !== '') return { [`${side}_pod`]: [`${namespace}/`], [`${side}_workload`]: [{ name: title }] };
  const identity = identityOf(party);
  return identity === undefined ? { [`${side}_fqdn`]: [title] } : { [`${side}_identity`]: [identity] };
}

/** Filter flags that select the flows between the two sides of a flow. */
export function filterBetween({ flow }: ShownFlow): string | undefined {
  const side = (
    direction: 'from' | 'to',
    endpoint: Endpoint | undefined,
    ip: string | undefined,
  ): string | undefined => {
    if (endpoint?.namespace && endpoint.pod_name) {
      return `--${direction}-pod ${word(`${endpoint.namespace}/${endpoint.pod_name}`)}`;
    }
    return ip === undefined ? undefined : `--${direction}-ip ${word(ip)}`;
  };
  const from = side('from', flow.source, flow.IP?.source);
  const to = side('to', flow.destination, flow.IP?.destination);
  return from && to ? `${from} ${to}` : undefined;
}
