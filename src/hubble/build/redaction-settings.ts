import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import { defaultRedaction, type HeaderRedaction, noRedaction, type Redaction } from './redact.ts';

const key = {
  enabled: 'hubble-redact-enabled',
  urlQuery: 'hubble-redact-http-urlquery',
  userInfo: 'hubble-redact-http-userinfo',
  headersAllow: 'hubble-redact-http-headers-allow',
  headersDeny: 'hubble-redact-http-headers-deny',
  kafkaApiKey: 'hubble-redact-kafka-apikey',
} as const;

/**
 * What is kept out of flows, from `cilium-config` under Cilium's own keys. `hubble-redact-enabled: "true"` is Cilium's redaction: the password of a URL unless
 * `hubble-redact-http-userinfo` is false, query and fragment with `hubble-redact-http-urlquery`, and every header value, or those that
 * `hubble-redact-http-headers-allow` does not name, or those that `hubble-redact-http-headers-deny` names; there may be one list only, its names apart by commas
 * or spaces. `"false"` shows everything. Without it the defaults of here hold, and each of the other keys changes its part of them.
 * `hubble-redact-kafka-apikey` is taken and changes nothing: no flow here is Kafka's.
 */
export function readRedaction(data: Readonly<Record<string, string>>): Result<Redaction, Issue[]> {
  const issues: Issue[] = [];
  const enabled = flagOf(data, key.enabled, issues);
  const userInfo = flagOf(data, key.userInfo, issues);
  const urlQuery = flagOf(data, key.urlQuery, issues);
  flagOf(data, key.kafkaApiKey, issues);
  const headers = headersOf(data, issues);
  if (issues.length > 0) return fail(issues);
  if (enabled === false) return ok(noRedaction);
  const everyHeader: HeaderRedaction = { keep: 'named', names: new Set() };
  return ok({
    httpUserInfo: userInfo ?? defaultRedaction.httpUserInfo,
    httpUrlQuery: urlQuery ?? defaultRedaction.httpUrlQuery,
    httpHeaders: headers ?? (enabled === true ? everyHeader : defaultRedaction.httpHeaders),
  });
}

function flagOf(data: Readonly<Record<string, string>>, path: string, issues: Issue[]): boolean | undefined {
  const text = data[path] ?? '';
  if (text === '') return undefined;
  if (text !== 'true' && text !== 'false') {
    issues.push({ path, message: `found ${JSON.stringify(text)}`, allowed: 'true, false' });
  }
  return text === 'true';
}

/** Undefined where neither list has a name. */
function headersOf(data: Readonly<Record<string, string>>, issues: Issue[]): HeaderRedaction | undefined {
  const allow = namesOf(data, key.headersAllow, issues);
  const deny = namesOf(data, key.headersDeny, issues);
  if (allow.size > 0 && deny.size > 0) {
    issues.push({
      path: key.headersDeny,
      message: `is set together with ${key.headersAllow}`,
      allowed: 'one of the two lists',
    });
  }
  if (allow.size > 0) return { keep: 'named', names: allow };
  return deny.size > 0 ? { keep: 'others', names: deny } : undefined;
}

/** RFC 9110, section 5.6.2. */
const token = /^[!#$%&'*+.^_`|~\w-]+$/;

function namesOf(data: Readonly<Record<string, string>>, path: string, issues: Issue[]): ReadonlySet<string> {
  const names = (data[path] ?? '').split(/[\s,]+/).filter((name) => name !== '');
  const wrong = names.find((name) => !token.test(name));
  if (wrong !== undefined) {
    issues.push({ path, message: `found ${JSON.stringify(wrong)}`, allowed: 'names of headers, apart by commas' });
  }
  return new Set(names.map((name) => name.toLowerCase()));
}
