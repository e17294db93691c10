import { decode } from 'dns-packet';
import { dnsNameMax, normalizeDnsName } from '../base/index.ts';

/** Response codes of RFC 1035. */
export const rcodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;

const headerLength = 12;
/** Addresses taken from one answer; the rest is left out. */
const addressesMax = 1000;

export interface Question {
  readonly id: number;
  /** Lower case, with trailing dot. */
  readonly name: string;
  /** `A`, `AAAA`, or `TYPE<n>`. */
  readonly type: string;
  readonly typeNumber: number;
  readonly recursionDesired: boolean;
  /** The question section as it was sent. */
  readonly bytes: Buffer;
  /** Where the question section ends. */
  readonly end: number;
}

const typeNames: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  64: 'SVCB',
  65: 'HTTPS',
  255: 'ANY',
};

/**
 * Reads a query with one question. Undefined for everything else, names with a dot or an unprintable character inside
 * a label included: as text they could pass for another name.
 */
export function readQuestion(message: Buffer): Question | undefined {
  if (message.length < headerLength + 5) return undefined;
  const flags = message.readUInt16BE(2);
  const isQuery = (flags & 0xf800) === 0;
  if (!isQuery || message.readUInt16BE(4) !== 1) return undefined;
  const name = readName(message, headerLength);
  if (!name || name.end + 4 > message.length) return undefined;
  const typeNumber = message.readUInt16BE(name.end);
  return {
    id: message.readUInt16BE(0),
    name: normalizeDnsName(name.text),
    type: typeNames[typeNumber] ?? `TYPE${typeNumber}`,
    typeNumber,
    recursionDesired: (flags & 0x100) !== 0,
    bytes: message.subarray(headerLength, name.end + 4),
    end: name.end + 4,
  };
}

function readName(message: Buffer, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; ; ) {
    const length = message[at];
    if (length === undefined || length > 63 || text.length + length > dnsNameMax) return undefined;
    if (length === 0) return { text: text === '' ? '.' : text, end: at + 1 };
    const label = message.subarray(at + 1, at + 1 + length);
    if (label.length < length || label.some((byte) => byte === 0x2e || byte <= 0x20 || byte >= 0x7f)) return undefined;
    text += `${label.toString('latin1')}.`;
    at += 1 + length;
  }
}

/** An answer without records to a query: its header and question with this code. */
export function emptyAnswer(query: Buffer, question: Question | undefined, rcode: number): Buffer {
  const answer = Buffer.from(query.subarray(0, question?.end ?? headerLength));
  answer.writeUInt16BE((answer.readUInt16BE(2) & 0x7900) | 0x8080 | rcode, 2);
  answer.writeUInt16BE(question ? 1 : 0, 4);
  answer.fill(0, 6, headerLength);
  return answer;
}

export interface Answer {
  readonly rcode: number;
  /** IPv4 and IPv6 addresses of the question's name and of the names that its CNAMEs lead to; records of other names do not count. */
  readonly addresses: readonly string[];
  readonly cnames: readonly string[];
  readonly answerTypes: readonly string[];
  /** Seconds; the smallest of those addresses and CNAMEs, 4294967295 without any (`ExtractMsgDetails` of `pkg/fqdn/dnsproxy`). */
  readonly ttl: number;
}

/** Reads an upstream's answer to a question; undefined when it answers something else or is no DNS message. */
export function readAnswer(message: Buffer, question: Question): Answer | undefined {
  if (message.length < headerLength || message.readUInt16BE(0) !== question.id || (message[2] ?? 0) < 0x80)
    return undefined;
  const rcode = (message[3] ?? 0) & 15;
  try {
    const { questions = [], answers = [] } = decode(message);
    const asked = questions[0];
    if (asked && normalizeDnsName(asked.name) !== question.name) return undefined;
    const addresses: string[] = [];
    const cnames: string[] = [];
    const chain = new Set([question.name]);
    let ttl = 0xffffffff;
    for (const record of answers.slice(0, addressesMax)) {
      if (record.type !== 'A' && record.type !== 'AAAA' && record.type !== 'CNAME') continue;
      if (!chain.has(normalizeDnsName(record.name))) continue;
      ttl = Math.min(ttl, record.ttl ?? 0);
      if (record.type !== 'CNAME') addresses.push(record.data);
      else {
        const target = normalizeDnsName(record.data);
        cnames.push(target);
        chain.add(target);
      }
    }
    return { rcode, addresses, cnames, answerTypes: answers.slice(0, addressesMax).map((record) => record.type), ttl };
  } catch {
    return undefined;
  }
}
