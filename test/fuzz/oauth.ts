import assert from 'node:assert/strict';
import { checkCallback } from '../../src/proxy/filter/oauth2/callback.ts';
import type { OAuthConfig } from '../../src/proxy/filter/oauth2/config.ts';
import { parseCookies, writeCookies } from '../../src/proxy/filter/oauth2/cookies.ts';
import { flowToken, isFlowToken, seal, unseal } from '../../src/proxy/filter/oauth2/sealing.ts';
import { RequestHead } from '../../src/proxy/http/head.ts';
import { HeaderMap } from '../../src/proxy/http/headers.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const SECRET = 'secret';
const FLOW = '0123456789abcdef';
const GOOD = flowToken(SECRET, FLOW);
const TOKENS = [GOOD, 'a.b', '', `${FLOW}.`, flowToken('other', FLOW)];
const URLS = ['http://a.test/', '/a', 'http://a.test/\\r\\nset-cookie: a=b', 'x', ''];
const cookieConfig = { nonce: { name: 'OauthNonce' } };
const config = { cookies: { domain: '', of: cookieConfig } } as unknown as OAuthConfig;

function make(random: Random): string {
  const [said, kept] = [random.pick(TOKENS), random.pick(TOKENS)];
  const flow = random.pick([FLOW, '', 'a;b', '1']);
  const state = `{"url":"${random.pick(URLS)}","csrf_token":"${said}","flow_id":"${flow}"}`;
  const query = random.pick(['code=a&', '', 'error=b&', 'code&']);
  const name = random.pick([`OauthNonce.${flow}`, 'OauthNonce', 'x']);
  return `/callback?${query}state=${Buffer.from(state).toString('base64url')}\n${name}=${kept}; CodeVerifier=${seal(SECRET, 'v')}`;
}

/** Requests that come back from an authorization server: whatever they are, only one of a round that was begun here passes. */
export const oauthCallbacks: Target = {
  name: 'oauth-callback',
  words: ['code=a', '&state=', 'OauthNonce=', '; ', '"', '=', GOOD, FLOW, '\n'],
  make,
  run(input) {
    const [path = '', ...cookie] = input.split('\n');
    const head = new RequestHead();
    head.path = path;
    const headers = new HeaderMap();
    headers.add('cookie', cookie.join(';'));
    const cookies = parseCookies(headers);
    const found = checkCallback(head, cookies, config, SECRET);
    if (found.flow !== '' || found.ok) {
      const values = [...cookies.values()];
      assert.ok(
        values.some((value) => isFlowToken(SECRET, value)),
        'nobody began this',
      );
      assert.match(found.flow, /^[0-9a-f]*$/);
    }
    if (found.ok) assert.match(found.url, /^[a-z][a-z0-9+.-]*:\/\/[^\r\n\0]*$/i);
    for (const value of cookies.values()) unseal(SECRET, value);
    writeCookies(headers, cookies);
    assert.deepEqual(
      [...parseCookies(headers).keys()].sort(),
      [...new Set([...cookies.keys()].map((name) => name.trim()))].sort(),
    );
  },
};
