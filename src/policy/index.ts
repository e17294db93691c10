export {
  type AddressRange,
  intersectRanges,
  mergeRanges,
  prefixesOf,
  rangeContains,
  rangeOf,
  subtractRanges,
} from './address-ranges.ts';
export { unsupportedFeatures } from './features.ts';
export {
  identityKey,
  identityLabels,
  probe,
  proposeIdentity,
  reservedIdentity,
  reservedIdentityLabels,
} from './identity.ts';
export { type WorldIdentity, worldIdentities } from './local-identities.ts';
export {
  createPeerIndex,
  everyPeer,
  learntByPeers,
  type PeerIndex,
  type PeerSet,
  type PeerUniverse,
  type PodIdentity,
  type PolicyService,
  prefixesOfPeers,
} from './peer-index.ts';
export { invalidExpressions, regexFault } from './regex.ts';
export {
  createPolicyResolver,
  type Direction,
  type DnsFilterRule,
  type EnforcementMode,
  type FilterProtocol,
  type HttpFilterRule,
  type PolicyFilter,
  type PolicyResolver,
  type PolicySubjectGroup,
  type ResolvedPolicy,
  resolvePolicy,
} from './resolve.ts';
export { policyKey, type RuleReference, ruleKey, ruleReference } from './rule-keys.ts';
