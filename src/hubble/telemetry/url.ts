import { type Attributes, textAttribute } from './attributes.ts';

/** Values of these query keys sign a request; the conventions have them left out. */
const signatures = /([?&](?:AWSAccessKeyId|Signature|sig|X-Goog-Signature)=)[^&#]*/g;

/** From the flow's URL, whose password the flow does not have. User names go, too. */
export function urlAttributes(url: string): Attributes {
  const [, scheme, userInfo = '', host = '', path = '', query] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?#@]*@)?([^/?#]*)([^?#]*)(\?[^#]*)?/i.exec(url) ?? [];
  if (scheme === undefined) return {};
  const redacted = withoutSignatures(url.replace(`//${userInfo}`, '//'));
  const [, address = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(host) ?? [];
  return {
    'url.full': redacted,
    'url.scheme': scheme,
    'url.path': path || '/',
    ...(query !== undefined && query.length > 1 && { 'url.query': withoutSignatures(query).slice(1) }),
    ...textAttribute('server.address', address.replace(/^\[|\]$/g, '')),
    'server.port': port === undefined ? (scheme === 'https' ? 443 : 80) : Number(port),
  };
}

/** The text with the values of query keys that sign a request replaced. */
export function withoutSignatures(text: string): string {
  return text.replace(signatures, '$1REDACTED');
}
