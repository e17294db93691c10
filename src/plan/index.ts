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
export type { AgentConfig, World } from './world.ts';
