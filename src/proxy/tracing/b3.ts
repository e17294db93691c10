import type { HeaderMap } from '../http/headers.ts';

/** Ids of B3 as a span has them: a trace of 32 hexadecimal digits, or 16 where its first half is zero. */
export interface B3Ids {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty when there is none. */
  readonly parentId: string;
}

/** What a request says of itself in B3. */
export interface B3Context {
  /** Undefined: it does not say whose work it is. */
  readonly ids: B3Ids | undefined;
  /** Undefined: it leaves that open. */
  readonly sampled: boolean | undefined;
  /** It says so in one header, `b3`, and the next server is told in the same way. */
  readonly single: boolean;
}

const NUMBER = /^(?:0x)?([0-9a-f]+)$/i;
const SINGLE = /^(?:(?<high>.{16})(?=.{16}-))?(?<low>.{16})-(?<span>.{16})(?:-(?<flag>[01d])(?:-(?<parent>.{16}))?)?$/s;

/** Reads `b3`, or else `x-b3-traceid` and its likes, by their first lines as Envoy does; `'invalid'`: what is there makes no sense. */
export function readB3(headers: HeaderMap): B3Context | 'invalid' {
  const single = headers.get('b3');
  if (single !== undefined) return readSingle(single);
  const told = headers.get('x-b3-sampled');
  const sampled = told === undefined ? undefined : told === '1' || told === 'true';
  const trace = headers.get('x-b3-traceid');
  const span = headers.get('x-b3-spanid');
  if (trace === undefined || span === undefined) return { ids: undefined, sampled, single: false };
  const long = trace.length === 32;
  const ids = idsOf(
    long ? trace.slice(0, 16) : '',
    long ? trace.slice(16) : trace,
    span,
    headers.get('x-b3-parentspanid'),
  );
  return ids === 'invalid' ? ids : { ids, sampled, single: false };
}

function readSingle(text: string): B3Context | 'invalid' {
  if (/^[01d]$/.test(text)) return { ids: undefined, sampled: text !== '0', single: true };
  const parts = SINGLE.exec(text)?.groups;
  if (!parts) return 'invalid';
  const ids = idsOf(parts['high'] ?? '', parts['low'] ?? '', parts['span'] ?? '', parts['parent']);
  if (ids === 'invalid') return ids;
  const flag = parts['flag'];
  return { ids, sampled: flag === undefined ? undefined : flag !== '0', single: true };
}

function idsOf(high: string, low: string, span: string, parent = ''): B3Ids | 'invalid' {
  const [first, second, third, fourth] = [idOf(high || '0'), idOf(low), idOf(span), idOf(parent || '0')];
  if (!first || !second || !third || !fourth) return 'invalid';
  return { traceId: first === NONE ? second : first + second, spanId: third, parentId: fourth === NONE ? '' : fourth };
}

const NONE = '0'.repeat(16);

/** The 16 digits of a number of 64 bits that has fewer, zeros before it or `0x`, all of which Envoy takes. */
function idOf(text: string): string | undefined {
  const digits = NUMBER.exec(text)?.[1]?.replace(/^0+/, '');
  return digits !== undefined && digits.length <= 16 ? digits.toLowerCase().padStart(16, '0') : undefined;
}

/** Says it to the next server. */
export function writeB3(
  headers: HeaderMap,
  { traceId, spanId, parentId }: B3Ids,
  sampled: boolean,
  single: boolean,
): void {
  const flag = sampled ? '1' : '0';
  if (single) {
    headers.replace('b3', `${traceId}-${spanId}-${flag}${parentId && `-${parentId}`}`);
    return;
  }
  headers.replace('x-b3-traceid', traceId);
  headers.replace('x-b3-spanid', spanId);
  if (parentId !== '') headers.replace('x-b3-parentspanid', parentId);
  headers.replace('x-b3-sampled', flag);
}
