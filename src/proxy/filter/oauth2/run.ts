import { parseAbsolute } from '../../http/authority.ts';
import type { RequestHead, ResponseHead } from '../../http/head.ts';
import type { Call } from '../async/http-call.ts';
import type { FilterControl, FilterHooks, FilterStream, HeadVerdict, Hooks, LocalReply } from '../filter.ts';
import { checkCallback, flowCookie } from './callback.ts';
import type { OAuthConfig } from './config.ts';
import { deleteCookie, flowName, isOfFlow, parseCookies, setCookie, writeCookies } from './cookies.ts';
import { challengeOf, flowToken, newFlow, newVerifier, sameText, seal, sign, unseal } from './sealing.ts';
import { askForTokens, type Grant, secondsLeft, type Tokens } from './token-client.ts';
import { encodeMarks, urlEncode, withParams } from './url.ts';

type Field = readonly [string, string];
const seconds = (): number => Math.floor(Date.now() / 1000);

/** What a session is at the moment, as cookies say it. Empty: there is none. */
interface Session extends Omit<Tokens, 'expiresIn'> {
  /** Seconds since the epoch. */
  readonly expires: string;
}

/** The login of one request. */
export class OAuthRun implements FilterHooks {
  readonly request: Hooks<RequestHead> = { head: () => this.#onHead() };
  readonly response: Hooks<ResponseHead> = {
    head: (_, { headers }) => {
      for (const [name, value] of this.#toSet) headers.add(name, value);
      return 'continue';
    },
  };
  readonly #config: OAuthConfig;
  readonly #stream: FilterStream;
  readonly #control: FilterControl;
  #cookies: Map<string, string> = new Map();
  #secret = '';
  #flow = '';
  #toSet: readonly Field[] = [];
  #call: Call | undefined = undefined;
  #waits = false;
  #passed = false;

  constructor(config: OAuthConfig, stream: FilterStream, control: FilterControl) {
    this.#config = config;
    this.#stream = stream;
    this.#control = control;
  }

  onEnd(): void {
    this.#call?.cancel();
    this.#call = undefined;
  }

  #onHead(): HeadVerdict {
    const { stats, passes, keepsAuthorization, hmacSecret, isRedirect, isSignOut } = this.#config;
    const { head } = this.#stream;
    if (passes.some((test) => test((name) => this.#header(name)))) {
      stats.passed++;
      return 'continue';
    }
    if (!keepsAuthorization) head.headers.remove('authorization');
    const secret = hmacSecret();
    if (!secret || this.#config.clientSecret() === undefined) return this.#refuse('OAuth2 secrets are not ready');
    this.#secret = secret;
    this.#openCookies();
    if (isSignOut(head.path)) return this.#signOut();
    const session = this.#session();
    const comesBack = isRedirect(head.path);
    if (session) return comesBack ? this.#comesTwice() : this.#passOn(session);
    if (comesBack) return this.#comeBack();
    const refresh = this.#cookie('refresh');
    if (this.#config.usesRefresh && refresh !== '') return this.#ask({ refresh }, (tokens) => this.#onRefresh(tokens));
    return this.#mayRedirect()
      ? this.#redirect()
      : this.#refuse(`Unauthorized, and redirecting to OAuth server is not allowed: ${head.path}`);
  }

  #header(name: string): string | undefined {
    const { head } = this.#stream;
    return name.startsWith(':') || name === 'host' ? this.#stream.requestHeader(name) : head.headers.lines(name);
  }

  #cookie(kind: keyof OAuthConfig['cookies']['of']): string {
    return this.#cookies.get(this.#config.cookies.of[kind].name) ?? '';
  }

  /** Tokens stand in the cookies of the request as the upstream is to see them. */
  #openCookies(): void {
    const { plainTokens, cookies } = this.#config;
    const { headers } = this.#stream.head;
    this.#cookies = parseCookies(headers);
    if (plainTokens) return;
    let opened = false;
    for (const kind of ['bearer', 'idToken', 'refresh'] as const) {
      const sealed = this.#cookie(kind);
      if (sealed === '') continue;
      opened = true;
      this.#cookies.set(cookies.of[kind].name, this.#unseal(sealed) ?? sealed);
    }
    if (opened) writeCookies(headers, this.#cookies);
  }

  #unseal(sealed: string): string | undefined {
    const text = unseal(this.#secret, sealed);
    if (text !== undefined) this.#config.stats.unsealed++;
    return text;
  }

  /** Undefined: nobody is logged in, or no longer. */
  #session(): Session | undefined {
    const session = {
      bearer: this.#cookie('bearer'),
      idToken: this.#cookie('idToken'),
      refresh: this.#cookie('refresh'),
      expires: this.#cookie('expires'),
    };
    if (!/^\d{1,15}$/.test(session.expires) || Number(session.expires) * 1000 <= Date.now()) return undefined;
    const signature = this.#signatureOf(session);
    const hex = Buffer.from(Buffer.from(signature, 'base64').toString('hex')).toString('base64');
    const said = this.#cookie('hmac');
    return sameText(signature, said) || sameText(hex, said) ? session : undefined;
  }

  #signatureOf({ expires, bearer, idToken, refresh }: Session): string {
    const domain = this.#config.cookies.domain || this.#stream.head.authority;
    return sign(this.#secret, [domain, expires, bearer, idToken, refresh].join('\n'));
  }

  #passOn({ bearer }: Session): HeadVerdict {
    const { stats, forwardsBearer } = this.#config;
    const { headers } = this.#stream.head;
    stats.success++;
    if (forwardsBearer && bearer !== '') headers.replace('authorization', `Bearer ${bearer}`);
    this.#dropOwnCookies();
    return 'continue';
  }

  /** The upstream sees tokens, and nothing that the filter alone needs. */
  #dropOwnCookies(): void {
    if (this.#cookies.size === 0) return;
    const { of } = this.#config.cookies;
    for (const kind of ['hmac', 'expires', 'refresh'] as const) this.#cookies.delete(of[kind].name);
    for (const name of [...this.#cookies.keys()])
      if (isOfFlow(name, of.nonce.name) || isOfFlow(name, of.verifier.name)) this.#cookies.delete(name);
    writeCookies(this.#stream.head.headers, this.#cookies);
  }

  /** Who is logged in already goes where the round was to lead. */
  #comesTwice(): HeadVerdict {
    this.#config.stats.success++;
    const found = checkCallback(this.#stream.head, this.#cookies, this.#config, this.#secret);
    this.#flow = found.flow;
    if (!found.ok) return this.#refuse(found.why);
    const rest = parseAbsolute(found.url)?.rest ?? '';
    if (this.#config.isRedirect(rest))
      return this.#refuse(`State url query params matches the redirect path matcher: ${rest}`);
    return this.#found('oauth.race_redirect', [['location', found.url], ...this.#flowDeletions()]);
  }

  #comeBack(): HeadVerdict {
    const found = checkCallback(this.#stream.head, this.#cookies, this.#config, this.#secret);
    this.#flow = found.flow;
    if (!found.ok) return this.#refuse(found.why);
    const sealed = flowCookie(this.#cookies, this.#config.cookies.of.verifier.name, found.flow);
    if (sealed === undefined) return this.#refuse('Code verifier cookie is missing in the request');
    const verifier = this.#unseal(sealed);
    if (verifier === undefined) return this.#refuse('Failed to decrypt code verifier');
    const redirectUri = this.#config.redirectUri(this.#stream);
    return this.#ask({ code: found.code, redirectUri, verifier }, (tokens) => this.#onLogin(tokens, found.url));
  }

  #ask(grant: Grant, done: (tokens: Tokens | undefined) => void): HeadVerdict {
    const secret = this.#config.clientSecret() ?? '';
    let over = false;
    const call = askForTokens(this.#config, this.#stream, secret, grant, (tokens) => {
      over = true;
      this.#call = undefined;
      done(tokens);
    });
    if (!over) this.#call = call;
    this.#waits = true;
    return this.#passed ? 'continue' : 'stop';
  }

  #onLogin(tokens: Tokens | undefined, url: string): void {
    if (!tokens) {
      this.#refuse('OAuth server gave no token');
      return;
    }
    this.#config.stats.success++;
    const fields = this.#sessionCookies(this.#newSession(tokens), tokens);
    this.#found('oauth.logged_in', [...fields, ...this.#flowDeletions(), ['location', url]]);
  }

  #onRefresh(tokens: Tokens | undefined): void {
    const { stats, forwardsBearer, cookies } = this.#config;
    if (!tokens) {
      stats.refreshFailed++;
      if (this.#mayRedirect()) this.#redirect();
      else this.#refuse('Failed to refresh the access token, and redirecting to OAuth server is not allowed');
      return;
    }
    const before = this.#cookie('refresh');
    const fresh = this.#newSession(tokens);
    const session = fresh.refresh === '' ? { ...fresh, refresh: before } : fresh;
    for (const kind of ['bearer', 'idToken'] as const)
      if (session[kind] !== '') this.#cookies.set(cookies.of[kind].name, session[kind]);
    this.#toSet = this.#sessionCookies(session, tokens);
    if (forwardsBearer && session.bearer !== '')
      this.#stream.head.headers.replace('authorization', `Bearer ${session.bearer}`);
    this.#dropOwnCookies();
    stats.refreshed++;
    stats.success++;
    this.#passed = true;
    if (this.#waits) this.#control.resumeRequest();
  }

  #newSession({ bearer, idToken, refresh, expiresIn }: Tokens): Session {
    const { sets, usesRefresh } = this.#config;
    return {
      bearer: sets.bearer ? bearer : '',
      idToken: sets.idToken ? idToken : '',
      refresh: usesRefresh && sets.refresh ? refresh : '',
      expires: String(seconds() + expiresIn),
    };
  }

  #sessionCookies(session: Session, tokens: Tokens): readonly Field[] {
    const { cookies, plainTokens, usesRefresh, defaultRefreshExpires } = this.#config;
    const { expiresIn } = tokens;
    const now = seconds();
    const lives = {
      bearer: expiresIn,
      idToken: secondsLeft(tokens.idToken, now) ?? expiresIn,
      refresh: usesRefresh ? (secondsLeft(tokens.refresh, now) ?? defaultRefreshExpires) : expiresIn,
    };
    const set = (kind: 'hmac' | 'expires' | 'bearer' | 'idToken' | 'refresh', value: string, life: number): Field => [
      'set-cookie',
      setCookie(cookies, kind, cookies.of[kind].name, value, life),
    ];
    const ofToken = (kind: 'bearer' | 'idToken' | 'refresh'): readonly Field[] => {
      const { name } = cookies.of[kind];
      if (session[kind] !== '')
        return [set(kind, plainTokens ? session[kind] : seal(this.#secret, session[kind]), lives[kind])];
      return this.#cookies.has(name) ? [['set-cookie', deleteCookie(cookies, kind, name, false)]] : [];
    };
    return [
      set('hmac', this.#signatureOf(session), expiresIn),
      set('expires', session.expires, expiresIn),
      ...(['bearer', 'idToken', 'refresh'] as const).flatMap(ofToken),
    ];
  }

  #mayRedirect(): boolean {
    return !this.#config.deniesRedirect.some((test) => test((name) => this.#header(name)));
  }

  /** Begins a round: the browser keeps its token and the sealed verifier, the authorization server sees neither the verifier nor the secret. */
  #redirect(): HeadVerdict {
    const { cookies, stats, authorizationUrl, authorizationParams, resources, nonceExpires, verifierExpires } =
      this.#config;
    const { head } = this.#stream;
    const flow = newFlow();
    const token = flowToken(this.#secret, flow);
    const verifier = newVerifier();
    const sealed = seal(this.#secret, verifier);
    const url = `${head.scheme === 'http' ? 'http' : 'https'}://${head.authority}${head.path}`;
    const state = Buffer.from(JSON.stringify({ url, csrf_token: token, flow_id: flow }), 'latin1').toString(
      'base64url',
    );
    const params = new Map([
      ...authorizationParams,
      ['state', state],
      ['redirect_uri', urlEncode(this.#config.redirectUri(this.#stream))],
      ['code_challenge', challengeOf(verifier)],
      ['code_challenge_method', 'S256'],
    ]);
    const both = (kind: 'nonce' | 'verifier', value: string, life: number): readonly Field[] => {
      const { name } = cookies.of[kind];
      return [flowName(name, flow), name].map((one) => ['set-cookie', setCookie(cookies, kind, one, value, life)]);
    };
    stats.unauthorized++;
    return this.#found('oauth.missing_credentials', [
      ...both('nonce', token, nonceExpires),
      ...both('verifier', sealed, verifierExpires),
      ['location', withParams(authorizationUrl, params) + resources],
    ]);
  }

  #signOut(): HeadVerdict {
    const { cookies, endSessionEndpoint, clientId } = this.#config;
    const { of } = cookies;
    const { scheme, authority } = this.#stream.head;
    const own = (['hmac', 'bearer', 'idToken', 'refresh', 'expires'] as const).map(
      (kind) => [kind, of[kind].name] as const,
    );
    const ofFlows = [...this.#cookies.keys()].flatMap((name) =>
      (['nonce', 'verifier'] as const)
        .filter((kind) => isOfFlow(name, of[kind].name))
        .map((kind) => [kind, name] as const),
    );
    const fields = [...own, ...ofFlows].map(([kind, name]): Field => ['set-cookie', deleteCookie(cookies, kind, name)]);
    const home = `${scheme}://${authority}/`;
    const hint = `id_token_hint=${this.#cookie('idToken')}&client_id=${clientId}&post_logout_redirect_uri=${encodeMarks(home)}`;
    const location = endSessionEndpoint === '' ? home : `${endSessionEndpoint}?${hint}`;
    return this.#found('oauth.sign_out', [...fields, ['location', location]]);
  }

  #flowDeletions(): readonly Field[] {
    const { cookies } = this.#config;
    return (['nonce', 'verifier'] as const).flatMap((kind) => {
      const { name } = cookies.of[kind];
      const names = this.#flow === '' ? [name] : [flowName(name, this.#flow), name];
      return names.map((one): Field => ['set-cookie', deleteCookie(cookies, kind, one)]);
    });
  }

  #found(details: string, headers: readonly Field[]): HeadVerdict {
    this.#stream.reply({ status: 302, body: '', details, headers, bare: true });
    return 'stop';
  }

  #refuse(why: string): HeadVerdict {
    this.#config.stats.failure++;
    const fields = this.#flow === '' ? [] : this.#flowDeletions();
    const reply: LocalReply = {
      status: 401,
      body: 'OAuth flow failed.',
      details: why.replace(/\s/g, '_'),
      modify: (headers) => {
        for (const [name, value] of fields) headers.add(name, value);
      },
    };
    this.#stream.reply(reply);
    return 'stop';
  }
}
