import { isAuthorityText } from './bytes.ts';

/** The last one that passed: the requests of a connection mostly name the same host. */
let known = '';

/**
 * Whether the text may stand in `Host` (RFC 9112 3.2): a host and a port of digits. Envoy only looks at the characters; what it lets
 * through besides (user information, stray brackets, a port that is no number) is ambiguous and refused here.
 */
export function isHost(text: string): boolean {
  if (text === known) return true;
  if (!isAuthorityText(text) || !wellFormed(text)) return false;
  known = text;
  return true;
}

const HOST = /^(?:\[(?:[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[^[\]@%]+)\]|(?:[^[\]@:%]|%[0-9A-Fa-f]{2})*)(?::\d*)?$/;

function wellFormed(text: string): boolean {
  return HOST.test(text);
}

export interface AbsoluteTarget {
  readonly scheme: string;
  /** Host and port, without user information. */
  readonly authority: string;
  /** What follows: empty, or from `/` or `?` on. */
  readonly rest: string;
}

const ABSOLUTE =
  /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[\w.!~*'()%;:&=+$,-]*@)?((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?)((?:[/?].*)?)$/s;
const CONNECT = /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/;

/** Reads an absolute-form target (RFC 9112 3.2.2) with the host characters Envoy takes there; undefined when it is none. */
export function parseAbsolute(target: string): AbsoluteTarget | undefined {
  const match = ABSOLUTE.exec(target);
  if (!match || Number(match[3] ?? 0) > 65_535) return undefined;
  return { scheme: (match[1] ?? '').toLowerCase(), authority: match[2] ?? '', rest: match[4] ?? '' };
}

/** Reads the authority-form target of CONNECT (RFC 9112 3.2.3); the port is required. */
export function parseConnect(target: string): AbsoluteTarget | undefined {
  const match = CONNECT.exec(target);
  if (!match || Number(match[1]) > 65_535) return undefined;
  return { scheme: '', authority: target, rest: '' };
}
