export { assert } from './assert.ts';
export { type BackoffOptions, backoffMs } from './backoff.ts';
export {
  type CertificateAuthority,
  type CertificateRequest,
  type IssuedCertificate,
  issueCertificate,
  makeAuthority,
} from './certificates.ts';
export { compileDnsPattern, dnsNameMax, normalizeDnsName } from './dns-names.ts';
export { parseDuration } from './duration.ts';
export {
  type Cidr,
  cidrContains,
  formatCidr,
  formatIp,
  ipv4ToNumber,
  numberToIpv4,
  parseCidr,
  parseCidrOrIp,
  parseIp,
  parseIpv4,
} from './ip.ts';
export { formatIssue, type Issue, type SourcePosition } from './issue.ts';
export { type LabelRequirement, type LabelSelector, type Labels, selectorMatches } from './labels.ts';
export { createLogger, type Logger } from './log.ts';
export { podInterfaceName } from './names.ts';
export { compileRe2, type Re2 } from './re2.ts';
export { fail, ok, type Result } from './result.ts';
export { Ring } from './ring.ts';
export { longestTimerMs } from './timer.ts';
export { isRenewalDue, renewalTimeMs, type Validity, validFrom } from './validity.ts';
