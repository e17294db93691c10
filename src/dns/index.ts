export { readLearntFile, writeLearntFile } from './learnt-file.ts';
export { createLearntNames, type LearntNames, type LearntRecord } from './learnt-names.ts';
export { createDnsProxy, type DnsProxy, type DnsProxyOptions, type ReceivedAnswer, type RejectCode } from './proxy.ts';
export { buildZone } from './zone.ts';
export type { Zone } from './zone-types.ts';
