import type { Issue } from '../../../base/index.ts';
import { at, isRecord, listAt, numberAt, recordAt, stringAt } from '../schema/shape.ts';
import { child, duplicate, index, invalidValue, required, unsupported } from './errors.ts';
import { dnsLabel, dnsSubdomain, portName } from './names.ts';
import { validateProbe } from './probe.ts';
import { validateVolumes } from './volumes.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** Rules for a PodSpec (already defaulted); `allowedRestart` narrows the restart policy for workload templates. */
export function validatePodSpec(spec: unknown, path: string, allowedRestart = RESTART_POLICIES): Issue[] {
  if (!isRecord(spec)) return [required(path)];
  const volumes = new Set(listAt(spec, 'volumes').map((volume) => stringAt(volume, 'name') ?? ''));
  const issues = validateVolumes(listAt(spec, 'volumes'), child(path, 'volumes'));
  const names = new Set<string>();
  if (listAt(spec, 'containers').length === 0) issues.push(required(child(path, 'containers')));
  for (const field of ['initContainers', 'containers'] as const) {
    for (const [position, container] of listAt(spec, field).entries()) {
      issues.push(...validateContainer(container, index(child(path, field), position), names, volumes));
    }
  }
  issues.push(...oneOf(spec, 'restartPolicy', allowedRestart, path), ...oneOf(spec, 'dnsPolicy', DNS_POLICIES, path));
  const grace = numberAt(spec, 'terminationGracePeriodSeconds');
  if (grace !== undefined && grace < 0)
    issues.push(
      invalidValue(child(path, 'terminationGracePeriodSeconds'), grace, 'must be greater than or equal to 0'),
    );
  issues.push(...nameFields(spec, path), ...duplicateHostPorts(spec, path));
  return issues;
}

function nameFields(spec: Record<string, unknown>, path: string): Issue[] {
  const rules = { hostname: dnsLabel, subdomain: dnsLabel, nodeName: dnsSubdomain, serviceAccountName: dnsSubdomain };
  return Object.entries(rules).flatMap(([field, rule]) => {
    const value = stringAt(spec, field);
    const fault = value === undefined || value === '' ? undefined : rule(value);
    return fault ? [invalidValue(child(path, field), value, fault)] : [];
  });
}

export function oneOf(object: unknown, field: string, allowed: readonly string[], path: string): Issue[] {
  const value = at(object, field);
  if (value === undefined || (typeof value === 'string' && allowed.includes(value))) return [];
  return [unsupported(child(path, field), value, allowed)];
}

function validateContainer(
  container: unknown,
  path: string,
  names: Set<string>,
  volumes: ReadonlySet<string>,
): Issue[] {
  const issues: Issue[] = [];
  const name = stringAt(container, 'name') ?? '';
  const fault = dnsLabel(name);
  if (name === '') issues.push(required(child(path, 'name')));
  else if (fault) issues.push(invalidValue(child(path, 'name'), name, fault));
  else if (names.has(name)) issues.push(duplicate(child(path, 'name'), name));
  names.add(name);
  const image = stringAt(container, 'image') ?? '';
  if (image === '') issues.push(required(child(path, 'image')));
  else if (image !== image.trim())
    issues.push(invalidValue(child(path, 'image'), image, 'must not have leading or trailing whitespace'));
  issues.push(
    ...oneOf(container, 'imagePullPolicy', PULL_POLICIES, path),
    ...validatePorts(listAt(container, 'ports'), child(path, 'ports')),
    ...validateEnv(listAt(container, 'env'), child(path, 'env')),
    ...validateMounts(listAt(container, 'volumeMounts'), child(path, 'volumeMounts'), volumes),
    ...validateResources(container, child(path, 'resources')),
  );
  for (const field of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    issues.push(...validateProbe(at(container, field), child(path, field), field !== 'readinessProbe'));
  }
  return issues;
}

export function portNumber(value: unknown, path: string): Issue[] {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535) return [];
  return [invalidValue(path, value, 'must be between 1 and 65535, inclusive')];
}

function validatePorts(ports: readonly unknown[], path: string): Issue[] {
  const names = new Set<string>();
  return ports.flatMap((port, position) => {
    const here = index(path, position);
    const issues: Issue[] = [];
    const name = stringAt(port, 'name');
    if (name) {
      const fault = portName(name);
      if (fault) issues.push(invalidValue(child(here, 'name'), name, fault));
      else if (names.has(name)) issues.push(duplicate(child(here, 'name'), name));
      names.add(name);
    }
    const number = at(port, 'containerPort');
    if (number === undefined) issues.push(required(child(here, 'containerPort')));
    else issues.push(...portNumber(number, child(here, 'containerPort')));
    const hostPort = at(port, 'hostPort');
    if (hostPort !== undefined && hostPort !== 0) issues.push(...portNumber(hostPort, child(here, 'hostPort')));
    return [...issues, ...oneOf(port, 'protocol', PROTOCOLS, here)];
  });
}

function validateEnv(env: readonly unknown[], path: string): Issue[] {
  return env.flatMap((entry, position) => {
    const here = index(path, position);
    const name = stringAt(entry, 'name') ?? '';
    if (name === '') return [required(child(here, 'name'))];
    if (name.includes('=')) return [invalidValue(child(here, 'name'), name, "must not contain '='")];
    const from = recordAt(entry, 'valueFrom');
    if (!from) return [];
    if (stringAt(entry, 'value')) {
      return [invalidValue(child(here, 'valueFrom'), '', 'may not be specified when `value` is not empty')];
    }
    const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef'].filter((field) => from[field]);
    if (sources.length === 1) return [];
    const detail =
      sources.length === 0
        ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'
        : 'may not have more than one field specified at a time';
    return [invalidValue(child(here, 'valueFrom'), '', detail)];
  });
}

function validateMounts(mounts: readonly unknown[], path: string, volumes: ReadonlySet<string>): Issue[] {
  const paths = new Set<string>();
  return mounts.flatMap((mount, position) => {
    const here = index(path, position);
    const issues: Issue[] = [];
    const name = stringAt(mount, 'name') ?? '';
    if (name === '') issues.push(required(child(here, 'name')));
    else if (!volumes.has(name)) issues.push({ path: child(here, 'name'), message: `Not found: "${name}"` });
    const mountPath = stringAt(mount, 'mountPath') ?? '';
    if (mountPath === '') issues.push(required(child(here, 'mountPath')));
    else if (paths.has(mountPath)) issues.push(invalidValue(child(here, 'mountPath'), mountPath, 'must be unique'));
    paths.add(mountPath);
    const subPath = stringAt(mount, 'subPath') ?? '';
    if (subPath.startsWith('/')) issues.push(invalidValue(child(here, 'subPath'), subPath, 'must be a relative path'));
    if (subPath.split('/').includes('..'))
      issues.push(invalidValue(child(here, 'subPath'), subPath, "must not contain '..'"));
    return issues;
  });
}

function validateResources(container: unknown, path: string): Issue[] {
  const issues: Issue[] = [];
  for (const field of ['requests', 'limits']) {
    for (const [name, value] of Object.entries(recordAt(container, 'resources', field) ?? {})) {
      if (String(value).startsWith('-'))
        issues.push(invalidValue(`${path}.${field}[${name}]`, value, 'must be greater than or equal to 0'));
    }
  }
  return issues;
}

function duplicateHostPorts(spec: Record<string, unknown>, path: string): Issue[] {
  const seen = new Set<string>();
  const issues: Issue[] = [];
  for (const [c, container] of listAt(spec, 'containers').entries()) {
    for (const [p, port] of listAt(container, 'ports').entries()) {
      const hostPort = numberAt(port, 'hostPort') ?? 0;
      if (hostPort === 0) continue;
      const key = `${stringAt(port, 'hostIP') ?? ''}:${stringAt(port, 'protocol')}:${hostPort}`;
      if (seen.has(key)) issues.push(duplicate(`${path}.containers[${c}].ports[${p}].hostPort`, hostPort));
      seen.add(key);
    }
  }
  return issues;
}
