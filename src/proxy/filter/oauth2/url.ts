/** Percent-encodes all bytes but unreserved ones (RFC 3986 2.3). */
export function urlEncode(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-_.~]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Percent-encodes what separates the parts of URLs and forms, and what is no printable ASCII: the spaces that Envoy leaves are left. */
export function encodeMarks(text: string): string {
  return text.replace(
    /[^ -}]|[:/=&?]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** A URL with these parameters, by name. */
export function withParams(url: string, params: ReadonlyMap<string, string>): string {
  const names = [...params.keys()].sort();
  return `${url}?${names.map((name) => `${name}=${params.get(name) ?? ''}`).join('&')}`;
}
