import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RequestHead } from '../../http/head.ts';
import {
  Client,
  httpListener,
  type Json,
  once,
  ROUTER,
  routes,
  runProxy,
  startBackend,
  staticCluster,
} from '../../testing/harness.ts';
import { startRaw } from '../../testing/raw-server.ts';
import type { FilterControl, FilterStream, LocalReply } from '../filter.ts';
import type { OAuthConfig } from './config.ts';
import { OAuthRun } from './run.ts';
import { flowToken, seal, unseal } from './sealing.ts';
import { OAuthStats } from './stats.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.oauth2.v3.OAuth2';
const SECRET = 'hmac secret';
const FLOW = '0123456789abcdef';

const oauth = (): Json => ({
  '@type': TYPE,
  config: {
    token_endpoint: { uri: 'http://auth.test/token', cluster: 'auth', timeout: '60s' },
    authorization_endpoint: 'https://auth.test/authorize',
    redirect_uri: 'http://a.test/callback',
    redirect_path_matcher: { path: { exact: '/callback' } },
    signout_path: { path: { exact: '/signout' } },
    credentials: { client_id: 'client', token_secret: { name: 'token' }, hmac_secret: { name: 'hmac' } },
  },
});
const secret = (name: string, text: string): Json => ({ name, generic_secret: { secret: { inline_string: text } } });

async function start(authPort: number): ReturnType<typeof runProxy> {
  const echo = await startBackend();
  const listener = httpListener('l', {
    ...routes([{ match: { prefix: '/' }, route: { cluster: 'echo' } }]),
    http_filters: [{ name: 'oauth', typed_config: oauth() }, ROUTER],
  });
  const clusters = [staticCluster('echo', [echo.port]), staticCluster('auth', [authPort])];
  const proxy = await runProxy(listener, clusters, {
    static_resources: { listeners: [listener], clusters, secrets: [secret('token', 'secret'), secret('hmac', SECRET)] },
  });
  const stop = proxy.stop.bind(proxy);
  return Object.assign(proxy, {
    stop: async (drainMs: number) => {
      await stop(drainMs);
      await echo.close();
    },
  });
}

const token = flowToken(SECRET, FLOW);
const state = Buffer.from(JSON.stringify({ url: 'http://a.test/', csrf_token: token, flow_id: FLOW })).toString(
  'base64url',
);
const ROUND = `cookie: OauthNonce.${FLOW}=${token}; CodeVerifier.${FLOW}=${seal(SECRET, 'verifier')}\r\n`;

test('what is sealed opens with its secret alone', () => {
  assert.equal(unseal(SECRET, seal(SECRET, 'text \xe9')), 'text \xe9');
  assert.notEqual(unseal('other', seal(SECRET, 'text')), 'text');
  assert.notEqual(seal(SECRET, 'text'), seal(SECRET, 'text'));
  for (const broken of ['', 'a', 'abcd', '%', seal(SECRET, 'text').slice(0, 30)])
    assert.equal(unseal(SECRET, broken), undefined);
});

test('a login of which the client no longer waits is given up', async () => {
  let open = 0;
  const auth = await startRaw((socket) => {
    open++;
    socket.on('close', () => open--);
    socket.resume();
  });
  const proxy = await start(auth.port);
  try {
    const client = new Client(proxy.port);
    client.send(`GET /callback?code=a&state=${state} HTTP/1.1\r\nhost: a.test\r\n${ROUND}\r\n`);
    for (let wait = 0; wait < 300 && open === 0; wait++) await sleep(10);
    assert.equal(open, 1);
    client.close();
    for (let wait = 0; wait < 300 && open > 0; wait++) await sleep(10);
    assert.equal(open, 0);
  } finally {
    await proxy.stop(0);
    auth.close();
  }
});

test('without its secrets the filter lets nobody in', () => {
  const said: LocalReply[] = [];
  const head = new RequestHead();
  const stream = { head, reply: (reply: LocalReply) => void said.push(reply) } as unknown as FilterStream;
  const secrets = [
    { hmacSecret: () => undefined, clientSecret: () => 'a' },
    { hmacSecret: () => '', clientSecret: () => 'a' },
    { hmacSecret: () => 'a', clientSecret: () => undefined },
  ];
  for (const one of secrets) {
    const config = { ...one, passes: [], keepsAuthorization: false, stats: new OAuthStats() } as unknown as OAuthConfig;
    const run = new OAuthRun(config, stream, {} as unknown as FilterControl);
    assert.equal(run.request.head?.(stream, head, true), 'stop');
  }
  assert.deepEqual(
    said.map(({ status }) => status),
    [401, 401, 401],
  );
});

test('a token endpoint that nobody listens at lets nobody in', async () => {
  const gone = await startRaw(() => undefined);
  gone.close();
  const proxy = await start(gone.port);
  try {
    const answer = await once(proxy.port, `/callback?code=a&state=${state}`, ROUND);
    assert.deepEqual([answer.status, answer.body], [401, 'OAuth flow failed.']);
    assert.equal((await once(proxy.port, '/')).status, 302);
  } finally {
    await proxy.stop(0);
  }
});
