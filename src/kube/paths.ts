/** Names a collection, or with `name` one object, or with `subresource` a part of it. The core group is the empty string. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  /** The plural: `pods`, `ciliumenvoyconfigs`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/** The path part of the URL, every segment escaped: names come from users. */
export function urlPath({ group, version, resource, namespace, name, subresource }: ResourcePath): string {
  const base = group === '' ? ['api', version] : ['apis', group, version];
  const scope = namespace === undefined ? [] : ['namespaces', namespace];
  const rest = [name, subresource].filter((part) => part !== undefined);
  return `/${[...base, ...scope, resource, ...rest].map(escapeSegment).join('/')}`;
}

/** `.` and `..` would walk up the path even when escaped by the rules of URLs, so they are escaped by hand. */
function escapeSegment(segment: string): string {
  return segment === '.' || segment === '..' ? segment.replaceAll('.', '%2E') : encodeURIComponent(segment);
}
