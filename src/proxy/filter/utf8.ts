/** Latin1 text of bytes as the text that their UTF-8 is; each byte that is no part of any becomes `!`, as in Envoy. */
export function sanitizedUtf8(latin1: string): string {
  for (let at = 0; at < latin1.length; at++)
    if (latin1.charCodeAt(at) > 0x7f) return sanitize(Buffer.from(latin1, 'latin1'));
  return latin1;
}

function sanitize(bytes: Buffer): string {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) bytes[at] = 0x21;
    at += length || 1;
  }
  return bytes.toString('utf8');
}

/** Length of the well-formed sequence that begins there; 0: none does (Unicode, table 3-7). */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  if (first >= 0xc2 && first <= 0xdf) return isTail(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const [low, high] = first === 0xe0 ? [0xa0, 0xbf] : first === 0xed ? [0x80, 0x9f] : [0x80, 0xbf];
    return second >= low && second <= high && isTail(bytes[at + 2] ?? 0) ? 3 : 0;
  }
  if (first < 0xf0 || first > 0xf4) return 0;
  const [low, high] = first === 0xf0 ? [0x90, 0xbf] : first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
  return second >= low && second <= high && isTail(bytes[at + 2] ?? 0) && isTail(bytes[at + 3] ?? 0) ? 4 : 0;
}

const isTail = (byte: number): boolean => byte >= 0x80 && byte <= 0xbf;
