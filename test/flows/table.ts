import { clientHello } from '../../src/proxy/testing/client-hello.ts';
import { type Place, token } from './world.ts';

/** What a client sends over a connection of its own, and how many log entries come of it. */
export interface Exchange {
  readonly name: string;
  readonly from: Place;
  readonly to: Place;
  readonly port?: number;
  readonly bytes: Buffer;
  /** What its flows say, as `sayingOf` has it. */
  readonly says: string;
  /** Ends the connection at the end of the answer's head: it would stay open. */
  readonly upgraded?: boolean;
}

function request(line: string, headers: readonly string[] = [], body = ''): Buffer {
  const length = body === '' ? [] : [`content-length: ${body.length}`];
  const own = headers.some((header) => /^(connection|host):/i.test(header));
  const close = own ? [] : ['connection: close'];
  const host = headers.some((header) => /^host:/i.test(header)) ? [] : ['host: shop.example:8080'];
  return Buffer.from([`${line} HTTP/1.1`, ...host, ...close, ...headers, ...length, '', body].join('\r\n'));
}

/** What a client says that its request is called. */
export const suppliedRequestId = '11111111-2222-4333-8444-555555555555';
const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** Requests that policy redirects, requests to a Service that a CiliumEnvoyConfig has taken over, and connections judged by server name. */
export const exchanges: readonly Exchange[] = [
  {
    name: 'allowed',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /public/a?q=1'),
  },
  {
    name: 'allowed by two policies',
    says: 'FORWARDED 200, egress_allowed_by client2-more, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /public/both'),
  },
  {
    name: 'allowed on another node',
    says: 'FORWARDED 200, egress_allowed_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    bytes: request('GET /public/a'),
  },
  {
    name: 'a POST with a body',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('POST /things', ['content-type: text/plain'], 'hello'),
  },
  {
    name: 'refused by egress',
    says: 'DROPPED, egress_denied_by client2-more client2-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /secret'),
  },
  {
    name: 'refused by the method',
    says: 'DROPPED, egress_denied_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    bytes: request('DELETE /public/a'),
  },
  {
    name: 'refused by ingress',
    says: 'DROPPED, egress_allowed_by client2-requests, ingress_denied_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /inside'),
  },
  {
    name: 'a method of its own',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('PURGE /public/a'),
  },
  {
    name: 'a header that a rule asks for',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /guarded/shop/items/7', [`x-token: ${token}`]),
  },
  {
    name: 'another header than a rule asks for',
    says: 'DROPPED, egress_denied_by client2-more client2-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /guarded/shop/items/7', [`x-token: ${token}0`]),
  },
  {
    name: 'HEAD',
    says: 'FORWARDED 200, ingress_allowed_by same-node-requests',
    from: 'farClient',
    to: 'echoSame',
    bytes: request('HEAD /public/a'),
  },
  {
    name: 'ingress from another node',
    says: 'FORWARDED 200, ingress_allowed_by same-node-requests',
    from: 'farClient',
    to: 'echoSame',
    bytes: request('GET /public/a'),
  },
  {
    name: 'refused ingress from another node',
    says: 'DROPPED, ingress_denied_by same-node-requests',
    from: 'farClient',
    to: 'echoSame',
    bytes: request('GET /secret'),
  },
  {
    name: 'nobody listens',
    says: 'FORWARDED 503, egress_allowed_by client2-requests',
    from: 'client2',
    to: 'gone',
    bytes: request('GET /public/a'),
  },
  {
    name: 'the backend fails',
    says: 'FORWARDED 500, egress_allowed_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    bytes: request('GET /public/500'),
  },
  {
    name: 'the backend ends the connection',
    says: 'FORWARDED 503, egress_allowed_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    bytes: request('GET /public/cut'),
  },
  {
    name: 'headers',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /public/a', [
      'user-agent: probe/1',
      'referer: http://a.example/',
      'X-Forwarded-For: 192.0.2.9',
      `traceparent: ${trace}`,
      `x-request-id: ${suppliedRequestId}`,
      'X-Custom: one',
      'x-custom: two',
      'accept: */*',
    ]),
  },
  {
    name: 'credentials',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /public/a?token=SECRET-QUERY', [
      'authorization: Basic SECRET-BASIC',
      'cookie: session=SECRET-COOKIE',
    ]),
  },
  {
    name: 'user info in the URL',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET http://user:SECRET-PASSWORD@shop.example/public/a'),
  },
  {
    name: 'an absolute URL',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET http://other.example:81/public/a'),
  },
  {
    name: 'a path that is normalised',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /x/../public//a%41'),
  },
  {
    name: 'a path with escaped slashes',
    says: 'FORWARDED 307',
    from: 'client2',
    to: 'echoSame',
    bytes: request('GET /public%2Fa'),
  },
  {
    name: 'HTTP/1.0',
    says: 'FORWARDED 426',
    from: 'client2',
    to: 'echoSame',
    bytes: Buffer.from('GET /public/a HTTP/1.0\r\nhost: shop.example\r\n\r\n'),
  },
  {
    name: 'no host',
    says: 'FORWARDED 400',
    from: 'client2',
    to: 'echoSame',
    bytes: Buffer.from('GET /public/a HTTP/1.1\r\nconnection: close\r\n\r\n'),
  },
  { name: 'no HTTP', says: 'FORWARDED 400', from: 'client2', to: 'echoSame', bytes: Buffer.from('hello\r\n\r\n') },
  {
    name: 'a WebSocket',
    says: 'FORWARDED 101, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'echoSame',
    upgraded: true,
    bytes: request('GET /socket', [
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==',
      'sec-websocket-version: 13',
    ]),
  },
  {
    name: 'a rewritten path',
    says: 'FORWARDED 200, egress_allowed_by nothing-to-closed, ingress_allowed_by same-node-requests',
    from: 'client',
    to: 'service',
    bytes: request('GET /foo/x?y=1'),
  },
  {
    name: 'a rewritten path, refused before and allowed after',
    says: 'FORWARDED 200, egress_allowed_by client2-requests, ingress_allowed_by same-node-requests',
    from: 'client2',
    to: 'service',
    bytes: request('GET /foo/x'),
  },
  {
    name: 'weighted clusters of a named route',
    says: 'FORWARDED 200, egress_allowed_by client2-requests',
    from: 'client2',
    to: 'service',
    bytes: request('GET /split/x'),
  },
  { name: 'a redirect', says: 'FORWARDED 302', from: 'client2', to: 'service', bytes: request('GET /moved') },
  { name: 'a direct response', says: 'FORWARDED 418', from: 'client2', to: 'service', bytes: request('GET /direct') },
  { name: 'no route', says: 'FORWARDED 404', from: 'client2', to: 'service', bytes: request('GET /nowhere') },
  {
    name: 'a route to nobody',
    says: 'FORWARDED 503, egress_allowed_by nothing-to-closed',
    from: 'client',
    to: 'service',
    bytes: request('GET /gone'),
  },
  {
    name: 'a route that policy denies',
    says: 'DROPPED, egress_denied_by nothing-to-closed',
    from: 'client',
    to: 'service',
    bytes: request('GET /closed'),
  },
  {
    name: 'a route without a name, refused by ingress',
    says: 'DROPPED, egress_allowed_by nothing-to-closed, ingress_denied_by same-node-requests',
    from: 'client',
    to: 'service',
    bytes: request('GET /inside'),
  },
  {
    name: 'retries',
    says: 'FORWARDED 500, egress_allowed_by nothing-to-closed',
    from: 'client',
    to: 'service',
    bytes: request('GET /retried/500'),
  },
  {
    name: 'a retry that succeeds',
    says: 'FORWARDED 200, egress_allowed_by nothing-to-closed',
    from: 'client',
    to: 'service',
    bytes: request('GET /retried/once'),
  },
  {
    name: 'a WebSocket through a route',
    says: 'FORWARDED 101, egress_allowed_by nothing-to-closed, ingress_allowed_by same-node-requests',
    from: 'client',
    to: 'service',
    upgraded: true,
    bytes: request('GET /socket', [
      'connection: Upgrade',
      'upgrade: websocket',
      'sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==',
      'sec-websocket-version: 13',
    ]),
  },
  {
    name: 'a server name that is refused',
    says: 'DROPPED, egress_denied_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    port: 443,
    bytes: clientHello({ serverName: 'bad.example' }),
  },
  {
    name: 'a server name that is allowed',
    says: '',
    from: 'client2',
    to: 'echoOther',
    port: 443,
    bytes: clientHello({ serverName: 'good.example' }),
  },
  {
    name: 'a server name that is refused at a listener of the user',
    says: 'DROPPED, egress_denied_by client-names',
    from: 'client',
    to: 'echoOther',
    port: 9443,
    bytes: clientHello({ serverName: 'bad.example' }),
  },
  {
    name: 'a server name that is allowed at a listener of the user',
    says: '',
    from: 'client',
    to: 'echoOther',
    port: 9443,
    bytes: clientHello({ serverName: 'good.example' }),
  },
  {
    name: 'no TLS where a server name is asked for',
    says: 'DROPPED, egress_denied_by client2-requests',
    from: 'client2',
    to: 'echoOther',
    port: 443,
    bytes: Buffer.from('hello\r\n\r\n'),
  },
];
