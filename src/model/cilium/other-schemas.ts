import {
  choice,
  conditions,
  flag,
  freeObject,
  integer,
  labelSelector,
  list,
  mapOf,
  object,
  type Schema,
  text,
} from './schema.ts';

const port = integer(0, 65535);

const serviceListener = object(
  {
    name: text('Name of the Service.'),
    namespace: text('Namespace of the Service; a namespaced configuration always means its own.'),
    ports: list(port, 'Frontend ports to redirect; absent: all.'),
    listener: text('Name of a Listener of this configuration; absent: the first.'),
  },
  undefined,
  { required: ['name'] },
);

const backendService = object(
  {
    name: text(),
    namespace: text(),
    number: list(text(), 'Port numbers or names whose backends are wanted; absent: all.'),
  },
  undefined,
  { required: ['name'] },
);

/** `CiliumEnvoyConfig` and `CiliumClusterwideEnvoyConfig`; unlike in Cilium with a status, since the agents report one. */
export const envoyConfigSchema: Schema = object({
  apiVersion: text(),
  kind: text(),
  metadata: { type: 'object' },
  spec: object(
    {
      services: list(serviceListener, 'Services whose traffic goes to a listener.'),
      backendServices: list(backendService, 'Services whose backends the proxy needs without a redirect.'),
      resources: list(
        object({ '@type': text() }, undefined, { required: ['@type'], 'x-kubernetes-preserve-unknown-fields': true }),
        'Envoy v3 resources as protobuf JSON with @type.',
      ),
      nodeSelector: labelSelector,
    },
    undefined,
    { required: ['resources'] },
  ),
  status: object({ conditions }),
});

const labelStrings = list(text());

/** `CiliumEndpoint`: only a status, written by the agents. */
export const endpointSchema: Schema = object({
  apiVersion: text(),
  kind: text(),
  metadata: { type: 'object' },
  status: object({
    id: integer(),
    controllers: list(freeObject),
    encryption: object({ key: integer() }),
    'external-identifiers': mapOf(text()),
    health: object({ bpf: text(), connected: flag, overallHealth: text(), policy: text() }),
    identity: object({ id: integer(), labels: labelStrings }),
    log: list(object({ code: text(), message: text(), state: text(), timestamp: text() })),
    'named-ports': list(object({ name: text(), port: integer(), protocol: text() })),
    networking: object({
      addressing: list(object({ ipv4: text(), ipv6: text() })),
      node: text(),
    }),
    policy: object({ ingress: endpointPolicy(), egress: endpointPolicy() }),
    'service-account': text(),
    state: choice([
      'creating',
      'waiting-for-identity',
      'not-ready',
      'waiting-to-regenerate',
      'regenerating',
      'restoring',
      'ready',
      'disconnecting',
      'disconnected',
      'invalid',
    ]),
  }),
});

function endpointPolicy(): Schema {
  const peers = list(
    object({ 'dest-port': integer(), identity: integer(), 'identity-labels': mapOf(text()), protocol: integer() }),
  );
  return object({ enforcing: flag, state: text(), allowed: peers, denied: peers, adding: peers, removing: peers });
}

/** `CiliumIdentity`: the number is the object's name. */
export const identitySchema: Schema = object(
  {
    apiVersion: text(),
    kind: text(),
    metadata: { type: 'object' },
    'security-labels': mapOf(text(), 'Labels with their source.'),
  },
  undefined,
  { required: ['security-labels'] },
);

/** `CiliumNode`. */
export const nodeSchema: Schema = object({
  apiVersion: text(),
  kind: text(),
  metadata: { type: 'object' },
  spec: object({
    addresses: list(object({ ip: text(), type: text() })),
    bootid: text(),
    encryption: object({ key: integer() }),
    health: object({ ipv4: text(), ipv6: text() }),
    ingress: object({ ipv4: text(), ipv6: text() }),
    'instance-id': text(),
    ipam: object({ podCIDRs: list(text()), pool: mapOf(freeObject), pools: freeObject }),
    nodeidentity: integer(),
  }),
  status: freeObject,
});

/** `CiliumCIDRGroup`. */
export const cidrGroupSchema: Schema = object(
  {
    apiVersion: text(),
    kind: text(),
    metadata: { type: 'object' },
    spec: object({ externalCIDRs: list(text('A prefix such as 10.0.0.0/8.'), undefined, { minItems: 0 }) }, undefined, {
      required: ['externalCIDRs'],
    }),
  },
  undefined,
  { required: ['spec'] },
);
