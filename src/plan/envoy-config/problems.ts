import { formatIssue, type Issue } from '../../base/index.ts';
import type { PlannedService } from '../services.ts';
import { endpointNameOf, matchingPorts, parseBackendName } from './backends.ts';
import type { Candidate, CandidateResource } from './candidate.ts';
import type { Problem } from './conditions.ts';
import type { KubernetesSecrets } from './kubernetes-secrets.ts';
import { builtInClusters } from './qualify.ts';

/** What the configurations in force define together: resource kind and name to the resource. */
export type Definitions = ReadonlyMap<string, CandidateResource>;

export function definitionKey({ kind, name }: Pick<CandidateResource, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** `namespace/name` of the Services whose backends some configuration in force asks for. */
export function servicesOf(candidate: Candidate): readonly string[] {
  const { services, backendServices } = candidate.config;
  return [...services, ...backendServices].map(({ namespace, name }) => `${namespace}/${name}`);
}

/** Services and ports that the configuration needs and the cluster does not have. */
export function serviceProblem(
  candidate: Candidate,
  services: ReadonlyMap<string, PlannedService>,
): Problem | undefined {
  const missing: Issue[] = [];
  const ports: Issue[] = [];
  const wanted = [
    ...candidate.redirects.map((service) => ({ ...service, ports: service.ports.map(String), field: 'ports' })),
    ...candidate.config.backendServices.map((service) => ({ ...service, field: 'number' })),
  ];
  for (const { namespace, name, ports: numbers, fieldPath, field } of wanted) {
    const service = services.get(`${namespace}/${name}`);
    if (!service) {
      missing.push({ path: fieldPath, message: `Service ${namespace}/${name} does not exist` });
      continue;
    }
    const allowed = `TCP ports of the Service: ${describePorts(service)}`;
    numbers.forEach((port, index) => {
      if (matchingPorts(service, port)) return;
      ports.push({
        path: `${fieldPath}.${field}[${index}]`,
        message: `Service ${namespace}/${name} has no TCP port ${port}`,
        allowed,
      });
    });
  }
  if (missing.length > 0) return { reason: 'ServiceNotFound', faults: missing.map(formatIssue) };
  return ports.length > 0 ? { reason: 'PortNotFound', faults: ports.map(formatIssue) } : undefined;
}

function describePorts(service: PlannedService): string {
  const ports = service.ports.filter(({ protocol }) => protocol === 'tcp');
  return ports.map(({ name, number }) => (name === '' ? `${number}` : `${number} (${name})`)).join(', ') || 'none';
}

/** References to clusters, routes, secrets and endpoints that no configuration in force provides. */
export function referenceProblem(
  candidate: Candidate,
  definitions: Definitions,
  listed: ReadonlySet<string>,
  {
    services,
    secrets,
  }: { readonly services: ReadonlyMap<string, PlannedService>; readonly secrets: KubernetesSecrets },
): Problem | undefined {
  const issues: Issue[] = [];
  for (const reference of candidate.references) {
    const { kind, name, written, path } = reference;
    if (definitions.has(definitionKey({ kind, name }))) continue;
    if (kind === 'cluster' && builtInClusters.has(name)) continue;
    const secret = secrets.find(reference);
    if (secret?.used) continue;
    if (secret) issues.push({ path, message: secret.fault ?? '' });
    else
      issues.push({
        path,
        message: `${words[kind]} "${written}" is not defined`,
        ...known(kind, definitions, secrets),
      });
  }
  for (const resource of candidate.resources) {
    const issue = resource.kind === 'cluster' ? endpointIssue(resource, definitions, listed, services) : undefined;
    if (issue) issues.push(issue);
  }
  return issues.length > 0 ? { reason: 'MissingReference', faults: issues.map(formatIssue) } : undefined;
}

const words = { cluster: 'cluster', route: 'route configuration', secret: 'secret' } as const;

/** A few names that would have been right. */
function known(
  kind: string,
  definitions: Definitions,
  { settings: { envoySecretsNamespace: namespace } }: KubernetesSecrets,
): { readonly allowed?: string } {
  const defined = [...definitions.values()].filter((resource) => resource.kind === kind).map(({ name }) => name);
  const names = kind === 'secret' && namespace !== '' ? [`${namespace}/NAME of a Secret`, ...defined] : defined;
  if (names.length === 0) return {};
  return { allowed: `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', ...' : ''}` };
}

/** What is wrong with Secrets whose versions before stay in use. */
export function secretProblem({ references }: Candidate, secrets: KubernetesSecrets): Problem | undefined {
  const issues = references.flatMap((reference) => {
    const found = secrets.find(reference);
    return found?.used && found.fault !== undefined ? [{ path: reference.path, message: found.fault }] : [];
  });
  return issues.length > 0 ? { reason: 'MissingReference', faults: issues.map(formatIssue) } : undefined;
}

function endpointIssue(
  cluster: CandidateResource,
  definitions: Definitions,
  listed: ReadonlySet<string>,
  services: ReadonlyMap<string, PlannedService>,
): Issue | undefined {
  const name = endpointNameOf(cluster.value);
  if (name === undefined || definitions.has(definitionKey({ kind: 'endpoint', name }))) return undefined;
  const path = `${cluster.path}.${name === cluster.name ? 'name' : 'eds_cluster_config.service_name'}`;
  const allowed = 'namespace/name or namespace/name:port of a Service in spec.services or spec.backendServices';
  const backend = parseBackendName(name);
  if (!backend) return { path, message: `no endpoints are called "${name}"`, allowed };
  if (!listed.has(backend.service)) {
    return { path, message: `Service ${backend.service} is in no spec.services or spec.backendServices`, allowed };
  }
  const service = services.get(backend.service);
  if (!service) return { path, message: `Service ${backend.service} does not exist` };
  if (matchingPorts(service, backend.port)) return undefined;
  return {
    path,
    message: `Service ${backend.service} has no TCP port ${backend.port}`,
    allowed: describePorts(service),
  };
}
