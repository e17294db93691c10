export { type AddressGroup, addressGroupsOfPeers } from './address-groups.ts';
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
export { isHeaderText } from './header-text.ts';
export {
  identityKey,
  identityLabels,
  probe,
  proposeIdentity,
  reservedIdentity,
  reservedIdentityLabels,
  selectableLabels,
} from './identity.ts';
export { compileLabelFilter, compileNodeLabelFilter } from './label-filter.ts';
export { nodeIdentityNumbers, type WorldIdentity, worldIdentities } from './local-identities.ts';
export {
  createPeerIndex,
  everyPeer,
  learntByPeers,
  type PeerIdentity,
  type PeerIndex,
  type PeerSet,
  type PeerUniverse,
  type PodIdentity,
  type PolicyService,
  prefixesOfPeers,
} from './peer-index.ts';
export {
  createPolicyResolver,
  type Direction,
  type DnsFilterRule,
  type EnforcementSettings,
  type FilterListener,
  type FilterProtocol,
  type FilterTls,
  filterListener,
  type HttpFilterRule,
  hostLabels,
  type Isolation,
  type PolicyFilter,
  type PolicyResolver,
  type PolicySubjectGroup,
  type ResolvedPolicy,
  subjectKey,
} from './resolve.ts';
export { isPolicyKind, type RuleReference, rulePrefix, ruleReference } from './rule-keys.ts';
