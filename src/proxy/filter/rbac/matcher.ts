import type { Fields } from '../../config/fields.ts';
import { type InputTable, REQUEST_INPUTS } from '../../match/tree/inputs.ts';
import { readMatcher } from '../../match/tree/tree.ts';
import type { RouteFilterContext } from '../context.ts';
import type { RbacSubject } from './condition.ts';
import { ACTIONS, type RbacEngine, readEngine, type Verdict } from './engine.ts';

const ACTION = 'envoy.config.rbac.v3.Action';

/** Where rules may stand as a tree, and what trees may look at there. */
export interface RbacPlace {
  readonly inputs: InputTable<RbacSubject>;
  /** Envoy's words for another input. */
  readonly refuseInput: (type: string) => string;
}

export const REQUEST_RBAC: RbacPlace = {
  inputs: REQUEST_INPUTS,
  refuseInput: (type) => `RBAC HTTP filter cannot match on 'type.googleapis.com/${type}'`,
};

/** Reads a tree with actions of type `envoy.config.rbac.v3.Action`. What it does not match is denied. */
function readMatcherEngine(fields: Fields, place: RbacPlace, { runtime, stats }: RouteFilterContext): RbacEngine {
  const read: { readonly policy: string; readonly action: (typeof ACTIONS)[number] }[] = [];
  const readAction = (config: Fields): number =>
    read.push({ policy: config.required('name'), action: config.choice('action', ACTIONS) }) - 1;
  const actions = new Map([[ACTION, readAction]]);
  const find = readMatcher(fields, { ...place, actions, runtime, stats });
  const hints = read.some(({ action }) => action === 'LOG');
  const verdicts = read.map(({ policy, action }, at): Verdict => {
    return { allowed: action !== 'DENY', policy, at, hint: hints ? action === 'LOG' : undefined };
  });
  const unmatched: Verdict = { allowed: false, policy: undefined, at: read.length, hint: undefined };
  return {
    verdicts: read.length + 1,
    judge: (stream) => {
      const at = find(stream);
      return at === undefined ? unmatched : (verdicts[at] ?? unmatched);
    },
  };
}

/** The rules under `<prefix>rules`, or the tree under `<prefix>matcher`, which goes first. */
export function readRules(
  fields: Fields,
  prefix: '' | 'shadow_',
  place: RbacPlace,
  context: RouteFilterContext,
  readPolicies: (fields: Fields) => RbacEngine = readEngine,
): RbacEngine | undefined {
  const rules = fields.message(`${prefix}rules`, readPolicies);
  return fields.message(`${prefix}matcher`, (inner) => readMatcherEngine(inner, place, context)) ?? rules;
}
