export { notPlannable } from './cluster-view.ts';
export { desiredIdentities } from './endpoints.ts';
export type {
  DatapathPlan,
  DnsPlan,
  DnsRule,
  Identity,
  JsonObject,
  JsonValue,
  LocalEndpoint,
  NodeAddress,
  NodePlan,
  ObjectReport,
  PolicyEntry,
  ResourceMap,
  RuleReference,
  ServiceEntry,
  ServiceRedirect,
  XdsResources,
} from './node-plan.ts';
export { plan } from './plan.ts';
export { matchingEntries, matchTypeOf, type PolicyQuestion } from './verdicts/packet.ts';
export type {
  AgentConfig,
  ConfigMap,
  EndpointSlice,
  Namespace,
  Node,
  Pod,
  Refusal,
  Secret,
  Service,
  World,
} from './world.ts';
