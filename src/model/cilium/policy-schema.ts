import { policyEntities } from './entities.ts';
import { choice, conditions, flag, integer, labelSelector, list, mapOf, object, type Schema, text } from './schema.ts';

/** Structural schema of `CiliumNetworkPolicy` and `CiliumClusterwideNetworkPolicy` (Cilium 1.20). */

const namePattern = '^[-a-zA-Z0-9_]+([.][-a-zA-Z0-9_]+)*[.]?$';
const namePatternWithWildcard = '^[-a-zA-Z0-9_*]+([.][-a-zA-Z0-9_*]+)*[.]?$';

const protocols = ['TCP', 'UDP', 'SCTP', 'VRRP', 'IGMP', 'GRE', 'IPIP', 'IPV6', 'ESP', 'AH', 'ANY'] as const;

const cidr = text('A prefix such as 10.0.0.0/8.');

const cidrRule = object({
  cidr,
  cidrGroupRef: text('Name of a CiliumCIDRGroup.', {
    maxLength: 253,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
  }),
  cidrGroupSelector: labelSelector,
  except: list(cidr, 'Prefixes inside cidr that the rule leaves out.'),
});

const dnsMatch = object({
  matchName: text('A literal DNS name.', { maxLength: 255, pattern: namePattern }),
  matchPattern: text('A DNS name with wildcards.', { maxLength: 255, pattern: namePatternWithWildcard }),
});

const secretReference = object({ namespace: text(), name: text() }, undefined, { required: ['name'] });

const httpRule = object({
  path: text('Regular expression that the whole path with its query must match.'),
  method: text('Regular expression that the whole method must match.'),
  host: text('Regular expression that the whole authority must match.', { format: 'idn-hostname' }),
  headers: list(text(), 'Headers that must be present; after a space the value that they must have.'),
  headerMatches: list(
    object(
      {
        name: text(undefined, { minLength: 1 }),
        value: text(),
        secret: secretReference,
        mismatch: choice(['LOG', 'ADD', 'DELETE', 'REPLACE']),
      },
      undefined,
      { required: ['name'] },
    ),
  ),
});

const tlsContext = object(
  { secret: secretReference, trustedCA: text(), certificate: text(), privateKey: text() },
  undefined,
  { required: ['secret'] },
);

const ports = list(
  object(
    {
      port: text('A port number or the name of a port.', { maxLength: 63 }),
      endPort: integer(0, 65535, 'Last port of a range that starts at port.'),
      protocol: choice(protocols),
    },
    undefined,
    { required: ['port'] },
  ),
  'Ports that the rule applies to.',
  { maxItems: 40 },
);

const portRule = object({
  ports,
  rules: object({ http: list(httpRule), dns: list(dnsMatch) }, 'Layer-7 rules; any of them may allow.'),
  serverNames: list(text(undefined, { minLength: 1, maxLength: 255, pattern: namePatternWithWildcard }), undefined, {
    minItems: 1,
    'x-kubernetes-list-type': 'set',
  }),
  terminatingTLS: tlsContext,
  originatingTLS: tlsContext,
  listener: object(
    {
      envoyConfig: object(
        {
          kind: choice(['CiliumEnvoyConfig', 'CiliumClusterwideEnvoyConfig']),
          name: text(undefined, { minLength: 1 }),
        },
        undefined,
        { required: ['name'] },
      ),
      name: text(undefined, { minLength: 1 }),
      priority: integer(1, 100),
    },
    'Listener of a CiliumEnvoyConfig that takes the traffic.',
    { required: ['envoyConfig', 'name'] },
  ),
});

const icmps = list(
  object({
    fields: list(
      object(
        {
          family: { ...choice(['IPv4', 'IPv6']), default: 'IPv4' },
          type: {
            anyOf: [{ type: 'integer' }, { type: 'string' }],
            description: 'Number or name of an ICMP type.',
            'x-kubernetes-int-or-string': true,
          },
        },
        undefined,
        { required: ['type'] },
      ),
      undefined,
      { maxItems: 40 },
    ),
  }),
);

const authentication = object({ mode: choice(['disabled', 'required', 'test-always-fail']) }, undefined, {
  required: ['mode'],
});

const groups = list(
  object({
    aws: object({
      labels: mapOf(text()),
      region: text(),
      securityGroupsIds: list(text()),
      securityGroupsNames: list(text()),
    }),
  }),
);

const services = list(
  object({
    k8sService: object({ serviceName: text(), namespace: text() }),
    k8sServiceSelector: object({ selector: labelSelector, namespace: text() }, undefined, { required: ['selector'] }),
  }),
);

/** Peers of both directions under their prefixed names, for instance `fromEndpoints` and `toEndpoints`. */
function peers(prefix: 'from' | 'to'): Readonly<Record<string, Schema>> {
  return {
    [`${prefix}Endpoints`]: list(labelSelector),
    [`${prefix}CIDR`]: list(cidr),
    [`${prefix}CIDRSet`]: list(cidrRule),
    [`${prefix}Entities`]: list(choice(policyEntities)),
    [`${prefix}Groups`]: groups,
    [`${prefix}Nodes`]: list(labelSelector),
    ...(prefix === 'to' ? { toServices: services } : {}),
  };
}

const denyPorts = list(object({ ports }));

const rule = object({
  endpointSelector: labelSelector,
  nodeSelector: labelSelector,
  ingress: list(object({ ...peers('from'), toPorts: list(portRule), icmps, authentication })),
  ingressDeny: list(object({ ...peers('from'), toPorts: denyPorts, icmps })),
  egress: list(object({ ...peers('to'), toFQDNs: list(dnsMatch), toPorts: list(portRule), icmps, authentication })),
  egressDeny: list(object({ ...peers('to'), toPorts: denyPorts, icmps })),
  labels: list(object({ key: text(), value: text(), source: text() }, undefined, { required: ['key'] })),
  enableDefaultDeny: object({ ingress: flag, egress: flag }),
  description: text(),
  log: object({
    value: text('Text that flows of this rule carry.', { maxLength: 32, pattern: '^[^\\x00-\\x1f\\x7f]*$' }),
  }),
});

const derivedStatus = mapOf(
  object({
    enforcing: flag,
    error: text(),
    lastUpdated: text(),
    localPolicyRevision: integer(),
    ok: flag,
    annotations: mapOf(text()),
  }),
);

export const policySchema: Schema = object(
  {
    apiVersion: text(),
    kind: text(),
    metadata: { type: 'object' },
    spec: rule,
    specs: list(rule),
    status: object({ conditions, derivativePolicies: derivedStatus }),
  },
  undefined,
  {
    'x-kubernetes-validations': [
      { rule: 'has(self.spec) || has(self.specs)', message: 'spec or specs must be provided' },
    ],
  },
);
