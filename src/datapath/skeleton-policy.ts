import { auditedMark } from './marks.ts';
import { type Direction, matchTypes, type Phase, type Shape, setName, shapesOf, subjectsName } from './shapes.ts';
import { dropAndLog, logStatement } from './skeleton-trace.ts';

/**
 * The chains that judge one direction, entered for packets of endpoints that have entries: deny, redirect, allow and
 * default deny in this order. A redirect ends in a chain that accepts, a denial in one that drops; an allowed packet returns.
 * A denial of an endpoint in audit mode is reported and returns, too: what would have been dropped is not redirected either.
 */
export function policyChains(direction: Direction): string[] {
  const endpoint = endpointOf(direction);
  return [
    ...matchTypes.flatMap((matchType) => [
      ...denied(direction, `${direction}_denied_${matchType}`, matchType, 181),
      ...allowed(direction, matchType),
    ]),
    ...denied(direction, `${direction}_default_denied`, 0, 133),
    `chain ${direction}_deny {`,
    ...lookUps(direction, 'deny', (shape) => `goto ${direction}_denied_${shape.matchType}`),
    '}',
    `chain ${direction}_redirect {`,
    'meta l4proto != { tcp, udp } return',
    ...lookUps(direction, 'redirect'),
    '}',
    `chain ${direction}_allow {`,
    ...lookUps(direction, 'allow', (shape) => `goto ${direction}_allowed_${shape.matchType}`),
    `${endpoint} @${direction}_enforced goto ${direction}_default_denied`,
    '}',
    `chain ${direction} {`,
    `jump ${direction === 'egress' ? 'identify_destination' : 'identify_source'}`,
    `${endpoint} @${subjectsName(direction, 'deny')} jump ${direction}_deny`,
    `meta mark ${auditedMark} return`,
    `${endpoint} @${subjectsName(direction, 'redirect')} jump ${direction}_redirect`,
    `goto ${direction}_allow`,
    '}',
  ];
}

/** The packet field that holds the judged endpoint's address. */
function endpointOf(direction: Direction): string {
  return direction === 'egress' ? 'ip saddr' : 'ip daddr';
}

function denied(direction: Direction, name: string, matchType: number, reason: number): string[] {
  const endpoint = endpointOf(direction);
  const audited = `${direction}_audited_${matchType}`;
  return [
    `chain ${audited} {`,
    `ct state new ${logStatement(`verdict audited ${direction} ${matchType}`)}`,
    `meta mark set ${auditedMark}`,
    '}',
    ...dropAndLog(name, reason, direction, {
      verdict: `verdict denied ${direction} ${matchType}`,
      unless: `${endpoint} @audited goto ${audited}`,
      // As in Cilium only the endpoint itself hears of it.
      ...(direction === 'egress' && { answer: `${endpoint} @answered counter reject with icmp type admin-prohibited` }),
    }),
  ];
}

function allowed(direction: Direction, matchType: number): string[] {
  const enforced = `${endpointOf(direction)} @${direction}_enforced`;
  return [
    `chain ${direction}_allowed_${matchType} {`,
    `ct state new ${enforced} ${logStatement(`verdict allowed ${direction} ${matchType}`)}`,
    '}',
  ];
}

/** One rule per shape: a set with the rule's verdict, or (redirects) a verdict map whose elements name the chain. */
function lookUps(direction: Direction, phase: Phase, verdict?: (shape: Shape) => string): string[] {
  return shapesOf(phase).map((shape) => {
    const key = shape.key === '' ? endpointOf(direction) : `${endpointOf(direction)} . ${shape.key}`;
    const set = setName(direction, phase, shape);
    return verdict ? `${key} @${set} ${verdict(shape)}` : `${key} vmap @${set}`;
  });
}
