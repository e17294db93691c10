/**
 * RFC 3986 normalisation as Envoy does it with `normalize_path`: dot segments and backslashes go, percent triplets become upper case,
 * unreserved characters are decoded. Undefined when the path climbs over its root or a triplet is broken.
 */
export function normalizePath(full: string, normalize: boolean, mergeSlashes: boolean): string | undefined {
  const end = full.indexOf('?');
  let path = end < 0 ? full : full.slice(0, end);
  const query = end < 0 ? '' : full.slice(end);
  if (normalize) {
    const decoded = decodeUnreserved(path.replaceAll('\\', '/'));
    const resolved = decoded === undefined ? undefined : removeDotSegments(decoded);
    if (resolved === undefined) return undefined;
    path = resolved;
  }
  if (mergeSlashes) path = path.replace(/\/{2,}/g, '/');
  return path + query;
}

function decodeUnreserved(path: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${hex.toUpperCase()}`;
  });
}

function removeDotSegments(path: string): string | undefined {
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1;
    if (segment === '..') {
      if (out.length === 0) return undefined;
      out.pop();
      if (last) out.push('');
    } else if (segment === '.') {
      if (last) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}
