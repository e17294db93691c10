export { type CidrGroup, decodeCidrGroup } from './cidr-group.ts';
export { decodePolicy, validatePolicy } from './decode-policy.ts';
export type { PolicyEntity } from './entities.ts';
export {
  type BackendService,
  decodeEnvoyConfig,
  type EnvoyConfigObject,
  normaliseEnvoyConfig,
  type ServiceListener,
  validateEnvoyConfig,
} from './envoy-config.ts';
export type {
  DnsMatch,
  DnsRule,
  HeaderRule,
  HttpRule,
  IcmpMatch,
  ListenerReference,
  PolicyDirection,
  PolicyItem,
  PolicyObject,
  PolicyPeer,
  PolicyPortRule,
  PolicyRule,
  PolicySubject,
  PortMatch,
  PortProtocol,
  SourceLabelSelector,
  TlsContext,
} from './policy-types.ts';
export {
  type CustomResourceDefinition,
  ciliumResourceDefinitions,
  scopeAnnotationPrefix,
} from './resource-definitions.ts';
export { validateCiliumObject } from './validate.ts';
