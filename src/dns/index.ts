export { createLearntNames, type LearntNames, type LearntNamesLimits } from './learnt-names.ts';
export { createDnsProxy, type DnsProxy, type DnsProxyOptions } from './proxy.ts';
export { buildZone } from './zone.ts';
export type { Zone } from './zone-types.ts';
