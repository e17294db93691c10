import type { ObjectReport } from '../node-plan.ts';
import type { NamedObject } from '../objects.ts';
import { summary } from '../objects.ts';

/** Why a configuration does not work, with the word for its condition. */
export interface Problem {
  readonly reason:
    | 'Invalid'
    | 'Refused'
    | 'Disabled'
    | 'Conflict'
    | 'MissingReference'
    | 'ServiceNotFound'
    | 'PortNotFound';
  readonly faults: readonly string[];
}

/** `Accepted` says whether the object is in force, `Ready` whether requests can be answered through it. */
export function conditionReports(
  object: NamedObject,
  problem: Problem | undefined,
  state: { readonly kept: boolean; readonly withoutBackends: readonly string[]; readonly done: string },
): readonly ObjectReport[] {
  if (problem) {
    const message = summary(problem.faults, state.kept);
    return [
      report(object, 'Accepted', 'False', problem.reason, message),
      report(object, 'Ready', 'False', problem.reason, message),
    ];
  }
  const accepted = report(object, 'Accepted', 'True', 'Accepted', 'the configuration is in force');
  if (state.withoutBackends.length === 0) return [accepted, report(object, 'Ready', 'True', 'Ready', state.done)];
  const message = `no ready backend for ${state.withoutBackends.join(', ')}: requests there get 503`;
  return [accepted, report(object, 'Ready', 'False', 'NoBackend', message)];
}

function report(
  { kind, namespace, name }: NamedObject,
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
): ObjectReport {
  return { kind, ...(namespace !== undefined && { namespace }), name, condition: { type, status, reason, message } };
}
