import type { JsonObject, JsonValue } from '../../config/fields.ts';
import type { FilterStream } from '../filter.ts';
import type { AudienceList } from './audiences.ts';
import { claimText } from './claims.ts';
import type { Token } from './extract.ts';
import type { Jwk } from './jwks.ts';
import { type Jwt, parseJwt } from './jwt.ts';
import type { Provider } from './provider.ts';
import type { JwtStats } from './stats.ts';
import { type JwtStatus, statusCode, statusText } from './status.ts';
import { verifySignature } from './verify.ts';

/** All that the check of one request works with. */
export interface Checking {
  readonly stream: FilterStream;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly stats: JwtStats;
  /** What is to be noted about the request, by key. */
  readonly notes: Map<string, JsonValue>;
  /** What a token says may lead to another route. */
  reroutes: boolean;
  /** Ends what is waited for. */
  readonly cancels: Set<() => void>;
}

/** Whose tokens are checked, and what may be wrong with them. */
export interface TokenRule {
  /** Undefined: the issuer of each token tells the provider. */
  readonly provider: Provider | undefined;
  /** Instead of those of the provider. */
  readonly audiences: AudienceList | undefined;
  readonly allowsMissing: boolean;
  readonly allowsFailed: boolean;
}

type Done = (status: JwtStatus) => void;

/**
 * Checks the tokens of a request, the last one first. All must be good unless the rule allows others: the upstream might take a bad one for the
 * one that was checked. `done` may be called before this returns.
 */
export function authenticate(checking: Checking, rule: TokenRule, tokens: readonly Token[], done: Done): void {
  const left = [...tokens];
  const next = (): void => {
    const token = left.pop();
    if (token) checkToken(checking, rule, token, (status, provider) => onStatus(status, provider));
    else onStatus('missing', undefined);
  };
  const onStatus = (status: JwtStatus, provider: Provider | undefined): void => {
    if (status !== 'ok') noteFailure(checking, provider ?? onlyOf(checking.providers), status);
    const stops = status !== 'ok' && !rule.allowsFailed && !rule.allowsMissing;
    if (!stops && left.length > 0) {
      next();
      return;
    }
    const forgiven = rule.allowsFailed || (rule.allowsMissing && status === 'missing');
    done(forgiven ? 'ok' : status);
  };
  next();
}

/** The provider, where there is but one: what fails before its issuer is known is its. */
function onlyOf(providers: ReadonlyMap<string, Provider>): Provider | undefined {
  const [first, second] = providers.values();
  return second ? undefined : first;
}

function noteFailure({ notes }: Checking, provider: Provider | undefined, status: JwtStatus): void {
  if (!provider || provider.failureMetadata === '') return;
  notes.set(provider.failureMetadata, { code: statusCode(status), message: statusText(status) });
}

function checkToken(
  checking: Checking,
  rule: TokenRule,
  token: Token,
  done: (status: JwtStatus, provider: Provider | undefined) => void,
): void {
  const { stats, providers } = checking;
  const cached = rule.provider?.tokens.find(token.text);
  if (rule.provider) stats[cached ? 'cacheHit' : 'cacheMiss']++;
  const jwt = cached ?? parseJwt(token.text);
  if (typeof jwt === 'string') {
    done(jwt, rule.provider);
    return;
  }
  const provider = rule.provider ?? providerOf(providers, jwt.issuer);
  const refusal = judgeClaims(jwt, token, rule, provider);
  if (refusal !== 'ok' || !provider) {
    done(refusal, rule.provider ?? (refusal === 'unknownIssuer' ? undefined : provider));
    return;
  }
  const finish = (status: JwtStatus): void => {
    if (status === 'ok') accept(checking, provider, token, jwt);
    if (status === 'ok' && rule.provider && !cached) provider.tokens.keep(token.text, jwt);
    done(status, provider);
  };
  if (cached) finish('ok');
  else withKeys(checking, provider, (keys, why) => finish(keys ? verifySignature(jwt, keys) : why));
}

/** The first provider with that issuer, else the first that takes any. */
function providerOf(providers: ReadonlyMap<string, Provider>, issuer: string): Provider | undefined {
  const all = [...providers.values()];
  return all.find((provider) => provider.issuer === issuer) ?? all.find((provider) => provider.issuer === '');
}

function judgeClaims(jwt: Jwt, token: Token, rule: TokenRule, provider: Provider | undefined): JwtStatus {
  if (!provider || (token.issuers && !token.issuers.has(jwt.issuer))) return 'unknownIssuer';
  if (provider.subjects && !provider.subjects(jwt.subject)) return 'failed';
  const now = Math.floor(Date.now() / 1000);
  if (now + provider.clockSkew < jwt.notBefore) return 'notYetValid';
  if (jwt.expires > 0 && now > jwt.expires + provider.clockSkew) return 'expired';
  const { maxLifetime } = provider;
  if (maxLifetime !== undefined && (jwt.expires === 0 || jwt.expires - Date.now() / 1000 >= maxLifetime))
    return 'failed';
  const audiences = rule.audiences ?? provider.audiences;
  return audiences.allows(jwt.audiences) ? 'ok' : 'audience';
}

function withKeys(
  { cancels, stream }: Checking,
  { keys: source }: Provider,
  done: (keys: readonly Jwk[] | undefined, why: JwtStatus) => void,
): void {
  const { keys, ask } = source;
  if (keys || !ask) {
    done(keys, 'noKeys');
    return;
  }
  let cancel: (() => void) | undefined;
  let over = false;
  cancel = ask((found) => {
    over = true;
    if (cancel) cancels.delete(cancel);
    done(found, 'fetchFailed');
  }, stream);
  if (!over) cancels.add(cancel);
}

/** Tells the upstream and the filters behind what a good token says. */
function accept(checking: Checking, provider: Provider, token: Token, jwt: Jwt): void {
  const { stream, notes } = checking;
  const { headers } = stream.head;
  if (provider.payloadHeader !== '') {
    const padding = provider.padsPayload ? '='.repeat((4 - (jwt.payloadText.length % 4)) % 4) : '';
    headers.add(provider.payloadHeader, jwt.payloadText + padding);
  }
  let told = provider.payloadMetadata !== '';
  for (const { header, path } of provider.claimHeaders) {
    const text = claimText(jwt.payload, path);
    if (text === undefined) continue;
    headers.add(header, text);
    told = true;
  }
  if (!provider.forward) token.remove(stream);
  if (provider.headerMetadata !== '') notes.set(provider.headerMetadata, jwt.header);
  if (provider.payloadMetadata !== '') notes.set(provider.payloadMetadata, normalised(jwt.payload, provider));
  if (provider.clearsRoute && told) checking.reroutes = true;
}

function normalised(payload: JsonObject, { spaceDelimited }: Provider): JsonObject {
  if (spaceDelimited.length === 0) return payload;
  return Object.fromEntries(
    Object.entries(payload).map(([name, value]) => {
      const splits = typeof value === 'string' && spaceDelimited.includes(name);
      return [name, splits ? value.split(' ').filter((word) => word !== '') : (value as JsonValue)];
    }),
  );
}
