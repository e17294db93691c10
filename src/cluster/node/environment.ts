import { fail, ok, type Result } from '../../base/index.ts';
import { fieldValue, type PodPlace } from './downward.ts';
import type { Container, EnvVar, PodObject } from './types.ts';

/** Looks a ConfigMap's or Secret's text up; undefined when there is no such object. */
export type TextLookup = (kind: 'configmap' | 'secret', name: string) => Readonly<Record<string, string>> | undefined;

export interface EnvironmentOptions {
  readonly pod: PodObject;
  readonly container: Container;
  readonly place: PodPlace;
  readonly image: Readonly<Record<string, string>>;
  readonly services: readonly ServiceAddress[];
  readonly lookup: TextLookup;
}

/** A Service as environment variables show it. */
export interface ServiceAddress {
  readonly name: string;
  readonly clusterIP: string;
  readonly ports: readonly { readonly name?: string; readonly port: number; readonly protocol: string }[];
}

const defaults = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/**
 * A container's environment: the image's, the Services', `envFrom`, then `env` with `$(NAME)` filled in; later ones win.
 * Fails with the message that the pod's status shows when something it refers to is missing.
 */
export function containerEnvironment(options: EnvironmentOptions): Result<Record<string, string>, string> {
  const { pod, container, image, services } = options;
  const values: Record<string, string> = { ...defaults, HOSTNAME: pod.spec.hostname ?? pod.metadata.name, ...image };
  for (const service of services) Object.assign(values, serviceVariables(service));
  for (const source of container.envFrom ?? []) {
    const reference = source.configMapRef ?? source.secretRef;
    const kind = source.configMapRef ? 'configmap' : 'secret';
    const found = options.lookup(kind, reference?.name ?? '');
    if (!found && !reference?.optional) return fail(`${kind} "${reference?.name}" not found`);
    for (const [key, value] of Object.entries(found ?? {})) values[`${source.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, values, options);
    if (!value.ok) return value;
    if (value.value !== undefined) values[variable.name] = value.value;
  }
  return ok(values);
}

/** Fills `$(NAME)` in as Kubernetes does: unknown names stay, `$$(NAME)` is a literal. */
export function expandReferences(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]+)\)/g, (match, name?: string) => {
    if (match === '$$') return '$';
    return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? match) : match;
  });
}

function variableValue(
  variable: EnvVar,
  values: Readonly<Record<string, string>>,
  { pod, container, place, lookup }: EnvironmentOptions,
): Result<string | undefined, string> {
  const source = variable.valueFrom;
  if (!source) return ok(expandReferences(variable.value ?? '', values));
  if (source.fieldRef) {
    const value = fieldValue(pod, place, source.fieldRef.fieldPath);
    return value === undefined ? fail(`env ${variable.name}: unknown field ${source.fieldRef.fieldPath}`) : ok(value);
  }
  if (source.resourceFieldRef) {
    const [list = '', resource = ''] = source.resourceFieldRef.resource.split('.');
    const amounts = list === 'limits' ? container.resources?.limits : container.resources?.requests;
    return ok(wholeQuantity(String(amounts?.[resource] ?? '0')));
  }
  const reference = source.configMapKeyRef ?? source.secretKeyRef;
  const kind = source.configMapKeyRef ? 'configmap' : 'secret';
  if (!reference) return ok('');
  const found = lookup(kind, reference.name ?? '');
  const value = found?.[reference.key];
  if (value !== undefined) return ok(value);
  if (reference.optional) return ok(undefined);
  if (!found) return fail(`${kind} "${reference.name}" not found`);
  const title = kind === 'configmap' ? 'ConfigMap' : 'Secret';
  return fail(
    `couldn't find key ${reference.key} in ${title} ${pod.metadata.namespace ?? 'default'}/${reference.name}`,
  );
}

const scales: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A quantity in whole units, rounded up: CPU in cores, memory in bytes. */
function wholeQuantity(text: string): string {
  const match = /^([0-9.]+)([A-Za-z]*)$/.exec(text);
  const scale = scales[match?.[2] ?? ''];
  return match && scale !== undefined ? String(Math.ceil(Number(match[1]) * scale)) : text;
}

function serviceVariables({ name, clusterIP, ports }: ServiceAddress): Record<string, string> {
  const [first] = ports;
  if (!first) return {};
  const prefix = name.toUpperCase().replaceAll('-', '_');
  const link = (port: { port: number; protocol: string }): string =>
    `${port.protocol.toLowerCase()}://${clusterIP}:${port.port}`;
  const variables: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: clusterIP,
    [`${prefix}_SERVICE_PORT`]: String(first.port),
    [`${prefix}_PORT`]: link(first),
  };
  for (const port of ports) {
    if (port.name)
      variables[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
    const own = `${prefix}_PORT_${port.port}_${port.protocol}`;
    variables[own] = link(port);
    variables[`${own}_PROTO`] = port.protocol.toLowerCase();
    variables[`${own}_PORT`] = String(port.port);
    variables[`${own}_ADDR`] = clusterIP;
  }
  return variables;
}
