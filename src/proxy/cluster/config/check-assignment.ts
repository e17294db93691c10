import { isIP } from 'node:net';
import type { Fields } from '../../config/fields.ts';
import type { BalancerPolicy } from '../balance/policy.ts';
import type { Assignment } from './endpoints.ts';

/** Checks the endpoints in a cluster's configuration against what else it says, as Envoy does when it makes the cluster. */
export function checkAssignment(fields: Fields, kind: string, policy: BalancerPolicy, assignment: Assignment): void {
  const { endpoints } = assignment;
  const problem = (message: string): void => fields.problem('load_assignment', message);
  switch (kind) {
    case 'ORIGINAL_DST':
      if (fields.has('load_assignment')) problem('ORIGINAL_DST clusters must have no load assignment configured');
      return;
    case 'LOGICAL_DNS':
      if (endpoints.length !== 1)
        problem('LOGICAL_DNS clusters must have a single locality_lb_endpoint and a single lb_endpoint');
      break;
    case 'STATIC':
      problemOfNames(assignment, problem);
  }
  if (kind.endsWith('_DNS') && endpoints.some(({ address }) => address.kind !== 'socket'))
    problem(`only a socket address has a name to look up with type ${kind}`);
  if (kind.endsWith('_DNS') && endpoints.some(({ others }) => others))
    problem(`additional_addresses are not supported with type ${kind}`);
  if (isThreadAware(policy)) checkWeights(assignment, problem);
}

/** Says which endpoint has a name where there must be an IP address. */
export function problemOfNames({ endpoints }: Assignment, problem: (message: string) => void): void {
  for (const { address, others = [] } of endpoints) {
    const named = [address, ...others].find((one) => one.kind === 'socket' && isIP(one.host) === 0);
    if (named?.kind === 'socket') {
      problem(`malformed IP address: ${named.host}`);
      return;
    }
  }
}

/** Ring hash and Maglev put weights in proportion to each other. */
function isThreadAware(policy: BalancerPolicy): boolean {
  const { kind } = policy.kind === 'subset' ? policy.inner : policy;
  return kind === 'ring_hash' || kind === 'maglev';
}

function checkWeights({ endpoints }: Assignment, problem: (message: string) => void): void {
  const sums = new Map<string, number>();
  for (const { priority, locality, weight } of endpoints) {
    const key = `${priority} ${locality.key}`;
    sums.set(key, (sums.get(key) ?? 0) + weight);
  }
  if ([...sums.values()].some((sum) => sum > 0xff_ff_ff_ff))
    problem('the sum of weights of all upstream hosts in a locality exceeds 4294967295');
}
