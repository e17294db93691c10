import { createLogger } from '../base/index.ts';
import type { RejectCode } from '../dns/index.ts';
import type { ConfigMap } from '../plan/index.ts';

const log = createLogger('config');

export interface DnsSettings {
  readonly minTtlSeconds: number;
  readonly rejectCode: RejectCode;
  /** How long an answer is held until what it brought is in force. */
  readonly maxDelayMs: number;
}

const defaults: DnsSettings = { minTtlSeconds: 0, rejectCode: 'refused', maxDelayMs: 100 };

/**
 * The DNS proxy's settings from the `kube-system/cilium-config` ConfigMap, under Cilium's own keys: `tofqdns-min-ttl` (seconds, default 0),
 * `tofqdns-dns-reject-response-code` (refused|nameError), `tofqdns-proxy-response-max-delay` (100ms). A value that is not understood keeps the default and is logged.
 */
export function dnsSettingsOf(map: ConfigMap | undefined): DnsSettings {
  const data = map?.data ?? {};
  const refuse = (key: string, allowed: string) =>
    log.error({ key, value: data[key], allowed }, 'cilium-config holds a value that is not understood');
  const ttl = data['tofqdns-min-ttl'] ?? '';
  const code = data['tofqdns-dns-reject-response-code'] ?? '';
  const delay = data['tofqdns-proxy-response-max-delay'] ?? '';
  const [, amount, unit] = /^(\d{1,6})(ms|s)$/.exec(delay) ?? [];
  if (delay !== '' && amount === undefined)
    refuse('tofqdns-proxy-response-max-delay', 'milliseconds or seconds, as 100ms');
  const isTtl = /^\d{1,9}$/.test(ttl);
  const rejectCode = (['refused', 'nameError'] as const).find((one) => one.toLowerCase() === code.toLowerCase());
  if (ttl !== '' && !isTtl) refuse('tofqdns-min-ttl', 'seconds as a whole number');
  if (code !== '' && !rejectCode) refuse('tofqdns-dns-reject-response-code', 'refused, nameError');
  return {
    minTtlSeconds: isTtl ? Number(ttl) : defaults.minTtlSeconds,
    rejectCode: rejectCode ?? defaults.rejectCode,
    maxDelayMs: amount === undefined ? defaults.maxDelayMs : Number(amount) * (unit === 's' ? 1000 : 1),
  };
}
