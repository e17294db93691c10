import { fieldOf } from './objects.ts';
import type { ConfigMap, EndpointSlice, Namespace, Node, Pod, Secret, Service } from './world.ts';

/**
 * Kubernetes objects out of manifests that nobody has validated: what a plan reads of them, where it has the type that it must
 * have. Anything else is left out.
 */

type Metadata = NonNullable<Pod['metadata']>;

/** `namespace` where the object names none. */
export function metadataOf(object: unknown, namespace?: string): Metadata {
  const metadata = fieldOf(object, 'metadata');
  const owner = textOf(metadata, 'namespace') ?? namespace;
  return {
    name: textOf(metadata, 'name') ?? '',
    ...(owner !== undefined && { namespace: owner }),
    labels: textsOf(fieldOf(metadata, 'labels')),
  };
}

/** A pod, or what a workload's template makes; `metadata` holds its name. */
export function podOf(object: unknown, metadata: Metadata): Pod {
  const [spec, status] = [fieldOf(object, 'spec'), fieldOf(object, 'status')];
  const [nodeName, account] = [textOf(spec, 'nodeName'), textOf(spec, 'serviceAccountName')];
  const [podIP, phase] = [textOf(status, 'podIP'), textOf(status, 'phase')];
  return {
    metadata,
    spec: {
      ...(nodeName !== undefined && { nodeName }),
      ...(account !== undefined && { serviceAccountName: account }),
      ...(fieldOf(spec, 'hostNetwork') === true && { hostNetwork: true }),
      containers: listOf(fieldOf(spec, 'containers')).map((container) => ({
        name: textOf(container, 'name') ?? '',
        ports: listOf(fieldOf(container, 'ports')).flatMap((port) => containerPort(port)),
      })),
    },
    status: { ...(podIP !== undefined && { podIP }), ...(phase !== undefined && { phase }) },
  };
}

function containerPort(port: unknown) {
  const [number, name, protocol] = [numberOf(port, 'containerPort'), textOf(port, 'name'), textOf(port, 'protocol')];
  if (number === undefined) return [];
  return [{ containerPort: number, ...(name !== undefined && { name }), ...(protocol !== undefined && { protocol }) }];
}

export function serviceOf(object: unknown, namespace: string): Service {
  const spec = fieldOf(object, 'spec');
  const [clusterIP, type] = [textOf(spec, 'clusterIP'), textOf(spec, 'type')];
  const selector = fieldOf(spec, 'selector');
  return {
    metadata: metadataOf(object, namespace),
    spec: {
      ...(clusterIP !== undefined && { clusterIP }),
      ...(type !== undefined && { type }),
      ...(selector !== undefined && { selector: textsOf(selector) }),
      externalIPs: wordsOf(fieldOf(spec, 'externalIPs')),
      ports: listOf(fieldOf(spec, 'ports')).flatMap((port) => servicePort(port)),
    },
  };
}

function servicePort(port: unknown) {
  const number = numberOf(port, 'port');
  if (number === undefined) return [];
  const [name, protocol, nodePort] = [textOf(port, 'name'), textOf(port, 'protocol'), numberOf(port, 'nodePort')];
  const target = numberOf(port, 'targetPort') ?? textOf(port, 'targetPort');
  return [
    {
      port: number,
      ...(name !== undefined && { name }),
      ...(protocol !== undefined && { protocol }),
      ...(target !== undefined && { targetPort: target }),
      ...(nodePort !== undefined && { nodePort }),
    },
  ];
}

export function nodeOf(object: unknown): Node {
  const podCIDR = textOf(fieldOf(object, 'spec'), 'podCIDR');
  const addresses = listOf(fieldOf(fieldOf(object, 'status'), 'addresses')).flatMap((one) => {
    const [type, address] = [textOf(one, 'type'), textOf(one, 'address')];
    return type === undefined || address === undefined ? [] : [{ type, address }];
  });
  return {
    metadata: metadataOf(object),
    spec: { ...(podCIDR !== undefined && { podCIDR }) },
    status: { ...(addresses.length > 0 && { addresses }) },
  };
}

export function namespaceOf(object: unknown): Namespace {
  return { metadata: metadataOf(object) };
}

export function endpointSliceOf(object: unknown, namespace: string): EndpointSlice {
  return {
    metadata: metadataOf(object, namespace),
    addressType: textOf(object, 'addressType') ?? 'IPv4',
    ports: listOf(fieldOf(object, 'ports')).flatMap((port) => servicePort(port)),
    endpoints: listOf(fieldOf(object, 'endpoints')).map((endpoint) => ({
      addresses: wordsOf(fieldOf(endpoint, 'addresses')),
      conditions: { ready: fieldOf(fieldOf(endpoint, 'conditions'), 'ready') !== false },
    })),
  };
}

export function configMapOf(object: unknown, namespace: string): ConfigMap {
  return { metadata: metadataOf(object, namespace), data: textsOf(fieldOf(object, 'data')) };
}

export function secretOf(object: unknown, namespace: string): Secret {
  const [data, stringData] = [textsOf(fieldOf(object, 'data')), textsOf(fieldOf(object, 'stringData'))];
  return { metadata: metadataOf(object, namespace), data, stringData };
}

function textOf(value: unknown, field: string): string | undefined {
  const text = fieldOf(value, field);
  return typeof text === 'string' && text !== '' ? text : undefined;
}

function numberOf(value: unknown, field: string): number | undefined {
  const number = fieldOf(value, field);
  return typeof number === 'number' && Number.isInteger(number) && number > 0 && number < 65_536 ? number : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function wordsOf(value: unknown): string[] {
  return listOf(value).filter((one) => typeof one === 'string');
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}
