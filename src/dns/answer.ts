import type { Answer as DnsRecord } from 'dns-packet';
import type { NameRecords, Zone } from './zone-types.ts';

/** What the server says to one question; `forward` when the name is not ours. */
export type ZoneAnswer =
  | {
      readonly rcode: 'NOERROR' | 'NXDOMAIN';
      readonly answers: readonly DnsRecord[];
      readonly additionals: readonly DnsRecord[];
    }
  | 'forward';

/** CNAMEs followed inside the zone. */
const chainMax = 8;

/**
 * Answers a question from the zone. A name that exists without records of the type gives NOERROR and nothing (so AAAA of every
 * known name, since the cluster has IPv4 only), a name of the cluster's domain or of the reverse zone of a known address that does not exist NXDOMAIN.
 * `name`: lower case, with trailing dot. `type`: `A`, `SRV`, ... Pure.
 */
export function answer(zone: Zone, name: string, type: string): ZoneAnswer {
  const answers: DnsRecord[] = [];
  const additionals: DnsRecord[] = [];
  let current = name;
  for (let step = 0; step < chainMax; step++) {
    const records = recordsOf(zone, current);
    if (!records) break;
    if (records.cname === undefined || type === 'CNAME') {
      addRecords(zone, current, type, records, answers, additionals);
      return { rcode: 'NOERROR', answers, additionals };
    }
    answers.push({ name: bare(current), type: 'CNAME', ttl: zone.ttl, data: bare(records.cname) });
    current = records.cname;
  }
  if (answers.length > 0) return { rcode: 'NOERROR', answers, additionals };
  if (hasNamesBelow(zone, name)) return { rcode: 'NOERROR', answers, additionals };
  return isOurs(zone, name) ? { rcode: 'NXDOMAIN', answers, additionals } : 'forward';
}

function addRecords(
  zone: Zone,
  name: string,
  type: string,
  records: NameRecords,
  answers: DnsRecord[],
  additionals: DnsRecord[],
): void {
  const base = { name: bare(name), ttl: zone.ttl };
  const wants = (wanted: string): boolean => type === wanted || type === 'ANY';
  if (wants('A')) for (const address of records.a ?? []) answers.push({ ...base, type: 'A', data: address });
  if (wants('PTR')) for (const target of records.ptr ?? []) answers.push({ ...base, type: 'PTR', data: bare(target) });
  if (wants('TXT') && records.txt !== undefined) answers.push({ ...base, type: 'TXT', data: records.txt });
  if (type === 'CNAME' && records.cname !== undefined)
    answers.push({ ...base, type: 'CNAME', data: bare(records.cname) });
  if (!wants('SRV')) return;
  for (const { target, port } of records.srv ?? []) {
    answers.push({ ...base, type: 'SRV', data: { target: bare(target), port, priority: 0, weight: 100 } });
    for (const address of zone.records[target]?.a ?? []) {
      additionals.push({ name: bare(target), type: 'A', ttl: zone.ttl, data: address });
    }
  }
}

/** Written records, or those of a pod's name `1-2-3-4.namespace.pod.cluster.local`. */
function recordsOf(zone: Zone, name: string): NameRecords | undefined {
  if (Object.hasOwn(zone.records, name)) return zone.records[name];
  const suffix = `.pod.${zone.domain}.`;
  if (!name.endsWith(suffix)) return undefined;
  const pod = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\.[a-z0-9-]+$/.exec(name.slice(0, -suffix.length));
  const bytes = pod?.slice(1).map(Number);
  return bytes?.every((byte) => byte < 256) ? { a: [bytes.join('.')] } : undefined;
}

const namesBelow = new WeakMap<Zone, ReadonlySet<string>>();

/** Whether some name of the zone ends in this one, which then exists too, without records. */
function hasNamesBelow(zone: Zone, name: string): boolean {
  let parents = namesBelow.get(zone);
  if (!parents) {
    parents = parentNames(zone);
    namesBelow.set(zone, parents);
  }
  return parents.has(name);
}

function parentNames(zone: Zone): ReadonlySet<string> {
  const parents = new Set<string>();
  for (const name of Object.keys(zone.records)) {
    if (!isOurs(zone, name)) continue;
    for (let dot = name.indexOf('.'); dot >= 0 && dot + 1 < name.length; dot = name.indexOf('.', dot + 1)) {
      parents.add(name.slice(dot + 1));
    }
  }
  return parents;
}

function isOurs(zone: Zone, name: string): boolean {
  const domain = `${zone.domain}.`;
  return name === domain || name.endsWith(`.${domain}`);
}

/** dns-packet writes names without the trailing dot. */
function bare(name: string): string {
  return name.replace(/\.$/, '');
}
