import { textIn } from '../transport/text.ts';
import { anyOf, CONTROL, VALUE } from './bytes.ts';
import { CODEC_ERROR, type HeadFault, INVALID_CHARACTERS, TOO_LARGE, TOO_MANY, UNDERSCORE } from './fault.ts';
import type { HeaderMap } from './headers.ts';
import { findLine, type KnownLine, learnLine } from './known-lines.ts';
import { beginMessage, type HeaderName, internName, joinsEarlier, NAME, scanName, scanned } from './names.ts';
import type { FieldOptions } from './options.ts';

/** Whose fields are read. */
export const REQUEST = 1;
export const RESPONSE = 2;
export const TRAILERS = 0;

/** What the fields of the head parsed last say about its framing and its way; one parser runs at a time. */
export const facts = {
  /** Bytes of the fields as Envoy counts header bytes that came: names and values, and 3 for each. */
  size: 0,
  /** Fields left out for an underscore in their name. */
  dropped: 0,
  /** How many `content-length` fields there are, and the value of the last one: NaN when it is none. */
  lengths: 0,
  length: -1,
  /** Values of fields that are not kept in the map, joined with a comma; undefined when absent. */
  encoding: undefined as string | undefined,
  connection: undefined as string | undefined,
  /** Where in the map `connection` would stand. */
  connectionAt: 0,
  proxyConnection: undefined as string | undefined,
  host: undefined as string | undefined,
  hosts: 0,
  upgrade: false,
  expect: undefined as string | undefined,
};

/** Where the fields of the head just scanned stand. */
const entries: HeaderName[] = [];
/** Undefined for a field that is not known as a whole. */
const lines: (KnownLine | undefined)[] = [];
const nameStarts: number[] = [];
const valueStarts: number[] = [];
const valueStops: number[] = [];

/**
 * Scans header fields from `at` up to and with the empty line, then takes them; values that are not known become texts only then.
 * `from` is where the head begins, which bounds its size. `facts` holds what the codec needs.
 */
export function parseFields(
  bytes: Buffer,
  from: number,
  start: number,
  limit: number,
  options: FieldOptions,
  headers: HeaderMap,
  message: number,
): number | undefined | HeadFault {
  let at = start;
  let count = 0;
  for (;;) {
    if (at + 1 >= limit) return missing(from, limit, options);
    if (bytes[at] === 13) break;
    const line = findLine(bytes, at, limit);
    if (line !== undefined && at + line.length + 1 < limit && bytes[at + line.length + 1] === 10) {
      entries[count] = line.name;
      nameStarts[count] = at;
      lines[count++] = line;
      at += line.length + 2;
      continue;
    }
    scanName(bytes, at, limit);
    const nameEnd = scanned.end;
    if (nameEnd >= limit) return missing(from, limit, options);
    if (bytes[nameEnd] !== 0x3a || nameEnd === at) return atEnd(bytes, from, limit, options, CODEC_ERROR);
    let first = nameEnd + 1;
    while (first < limit && (bytes[first] === 0x20 || bytes[first] === 9)) first++;
    let stop = first;
    while (stop < limit && VALUE[bytes[stop] as number] === 1) stop++;
    if (stop + 1 >= limit && (stop === limit || bytes[stop] === 13)) return missing(from, limit, options);
    if (bytes[stop] !== 13 || bytes[stop + 1] !== 10) return atEnd(bytes, from, limit, options, INVALID_CHARACTERS);
    const entry = internName(bytes, at, nameEnd, scanned.hash);
    const end = stop;
    while (stop > first && (bytes[stop - 1] === 0x20 || bytes[stop - 1] === 9)) stop--;
    entries[count] = entry;
    lines[count] = learnLine(bytes, at, end, entry, first, stop);
    nameStarts[count] = at;
    valueStarts[count] = first;
    valueStops[count++] = stop;
    at = end + 2;
  }
  if (bytes[at + 1] !== 10) return atEnd(bytes, from, limit, options, CODEC_ERROR);
  if (at + 2 - from > options.maxBytes) return TOO_LARGE;
  return takeFields(bytes, count, options, headers, message) ?? at + 2;
}

/** The head is not complete. */
function missing(from: number, limit: number, { maxBytes }: FieldOptions): undefined | HeadFault {
  return limit - from >= maxBytes ? TOO_LARGE : undefined;
}

/** A fault in the fields counts once the head is complete, where Envoy looks for one; a control character anywhere comes before it. */
function atEnd(
  bytes: Buffer,
  from: number,
  limit: number,
  options: FieldOptions,
  fault: HeadFault,
): undefined | HeadFault {
  const end = headEnd(bytes, from, limit);
  if (end < 0) return missing(from, limit, options);
  if (end - from > options.maxBytes) return TOO_LARGE;
  return anyOf(bytes, from, end, CONTROL) ? INVALID_CHARACTERS : fault;
}

/** Position after the first empty line, however lines end; -1 when there is none yet. */
function headEnd(bytes: Buffer, from: number, limit: number): number {
  for (let at = from; at < limit; at++) {
    if (bytes[at] !== 10) continue;
    if (bytes[at + 1] === 10 && at + 1 < limit) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10 && at + 2 < limit) return at + 3;
  }
  return -1;
}

function takeFields(
  bytes: Buffer,
  count: number,
  options: FieldOptions,
  headers: HeaderMap,
  message: number,
): HeadFault | undefined {
  beginMessage();
  clearFacts();
  const { underscores, preserve } = options;
  if (preserve) headers.preserve(preserve.added);
  let kept = 0;
  let size = 3 * count;
  let fault: HeadFault | undefined;
  for (let index = 0; index < count; index++) {
    const entry = entries[index] as HeaderName;
    const known = lines[index]?.value;
    size += entry.name.length;
    size += known === undefined ? (valueStops[index] as number) - (valueStarts[index] as number) : known.length;
    if (entry.underscore && underscores !== 'ALLOW') {
      if (underscores === 'REJECT_REQUEST') fault ??= UNDERSCORE;
      else facts.dropped++;
      continue;
    }
    const value = known ?? textIn(bytes, valueStarts[index] as number, valueStops[index] as number);
    if (preserve) {
      const from = nameStarts[index] as number;
      headers.rememberSpelling(entry.name, textIn(bytes, from, from + entry.name.length));
    }
    if (takeField(entry, value, headers, message) && ++kept > options.maxHeaders) fault ??= TOO_MANY;
  }
  facts.size = size;
  if (message === TRAILERS) return fault;
  if (facts.lengths > 1 || (Number.isNaN(facts.length) && !isChunked(facts.encoding))) return CODEC_ERROR;
  return fault;
}

export function isChunked(encoding: string | undefined): boolean {
  return (
    encoding === 'chunked' || (encoding !== undefined && encoding.length === 7 && encoding.toLowerCase() === 'chunked')
  );
}

function clearFacts(): void {
  facts.dropped = 0;
  facts.lengths = 0;
  facts.length = -1;
  facts.encoding = undefined;
  facts.connection = undefined;
  facts.proxyConnection = undefined;
  facts.host = undefined;
  facts.hosts = 0;
  facts.upgrade = false;
  facts.expect = undefined;
}

/** Takes note of a field and adds it unless it is per hop; true when it counts as a further one. */
function takeField(entry: HeaderName, value: string, headers: HeaderMap, message: number): boolean {
  switch (message === TRAILERS ? NAME.PLAIN : entry.kind) {
    case NAME.PLAIN:
      break;
    case NAME.CONTENT_LENGTH:
      facts.lengths++;
      facts.length = parseLength(value);
      break;
    case NAME.TRANSFER_ENCODING: {
      const first = facts.encoding === undefined;
      facts.encoding = first ? value : `${facts.encoding},${value}`;
      return first;
    }
    case NAME.CONNECTION: {
      const first = facts.connection === undefined;
      if (first) facts.connectionAt = headers.size;
      facts.connection = first ? value : `${facts.connection},${value}`;
      return first;
    }
    case NAME.HOST:
      if (message === RESPONSE) break;
      facts.host = value;
      return ++facts.hosts === 1;
    case NAME.UPGRADE:
      facts.upgrade = true;
      break;
    case NAME.PROXY_CONNECTION:
      facts.proxyConnection = facts.proxyConnection === undefined ? value : `${facts.proxyConnection},${value}`;
      break;
    default:
      facts.expect = facts.expect === undefined ? value : `${facts.expect},${value}`;
      break;
  }
  if ((entry.joins & message) !== 0 && joinsEarlier(entry)) {
    headers.append(entry.name, value);
    return false;
  }
  headers.add(entry.name, value);
  return true;
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** The number of `content-length`, up to 2^64-1 as in Envoy; NaN when the text is none. Beyond 2^53 it is not exact and never reached. */
function parseLength(text: string): number {
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (text === '') return Number.NaN;
  return value > Number.MAX_SAFE_INTEGER && BigInt(text) > MAX_UINT64 ? Number.NaN : value;
}
