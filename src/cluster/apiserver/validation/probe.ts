import type { Issue } from '../../../base/index.ts';
import { at, isRecord, listAt, numberAt, stringAt } from '../schema/shape.ts';
import { child, forbiddenField, invalidValue, required, unsupported } from './errors.ts';
import { portName } from './names.ts';

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc'];
const COUNTERS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'];

/** Rules for a probe; `onlyOneSuccess` for liveness and startup probes, whose success threshold must be 1. */
export function validateProbe(probe: unknown, path: string, onlyOneSuccess: boolean): Issue[] {
  if (!isRecord(probe)) return [];
  const handlers = HANDLERS.filter((handler) => isRecord(probe[handler]));
  const issues: Issue[] = [];
  if (handlers.length === 0) issues.push(required(path, 'must specify a handler type'));
  for (const extra of handlers.slice(1))
    issues.push(forbiddenField(child(path, extra), 'may not specify more than 1 handler type'));
  for (const field of COUNTERS) {
    const value = numberAt(probe, field);
    if (value !== undefined && value < 0)
      issues.push(invalidValue(child(path, field), value, 'must be greater than or equal to 0'));
  }
  if (onlyOneSuccess && (numberAt(probe, 'successThreshold') ?? 1) > 1)
    issues.push(invalidValue(child(path, 'successThreshold'), probe['successThreshold'], 'must be 1'));
  if (isRecord(probe['exec']) && listAt(probe, 'exec', 'command').length === 0)
    issues.push(required(`${path}.exec.command`));
  for (const field of ['httpGet', 'tcpSocket'] as const) {
    if (isRecord(probe[field])) issues.push(...probePort(at(probe, field, 'port'), `${path}.${field}.port`));
  }
  const scheme = stringAt(probe, 'httpGet', 'scheme');
  if (scheme !== undefined && scheme !== 'HTTP' && scheme !== 'HTTPS')
    issues.push(unsupported(`${path}.httpGet.scheme`, scheme, ['HTTP', 'HTTPS']));
  return issues;
}

/** A port given as a number or as the name of a container port. */
export function probePort(value: unknown, path: string): Issue[] {
  if (typeof value === 'string') {
    const fault = portName(value);
    return fault ? [invalidValue(path, value, fault)] : [];
  }
  if (typeof value === 'number' && value >= 1 && value <= 65535) return [];
  return [value === undefined ? required(path) : invalidValue(path, value, 'must be between 1 and 65535, inclusive')];
}
