import type { Fields } from '../../config/fields.ts';
import { AudienceList } from './audiences.ts';
import { authenticate, type Checking, type TokenRule } from './authenticate.ts';
import { createExtractor } from './extract.ts';
import { type Provider, readHeaderName } from './provider.ts';
import type { JwtStatus } from './status.ts';

/** What is asked of the tokens of a request. `done` may be called before this returns, and once. */
export type Requirement = (checking: Checking, done: (status: JwtStatus) => void) => void;

type Providers = ReadonlyMap<string, Provider>;

const NOTHING: Requirement = (_, done) => done('ok');
const KINDS = [
  'provider_name',
  'provider_and_audiences',
  'requires_any',
  'requires_all',
  'allow_missing_or_failed',
  'allow_missing',
  'extract_only_without_validation',
] as const;
type Kind = (typeof KINDS)[number];

/** Reads an `envoy.extensions.filters.http.jwt_authn.v3.JwtRequirement`. */
export function readRequirement(fields: Fields, providers: Providers): Requirement {
  return readKind(fields, kindOf(fields), providers);
}

function kindOf(fields: Fields): Kind | undefined {
  return KINDS.find((kind) => fields.has(kind));
}

function readKind(fields: Fields, kind: Kind | undefined, providers: Providers): Requirement {
  switch (kind) {
    case undefined:
      return NOTHING;
    case 'provider_name':
      return ofProvider(fields, 'provider_name', providers, []);
    case 'provider_and_audiences':
      return (
        fields.message(kind, (inner) => {
          const audiences = inner.strings('audiences').map((name) => Buffer.from(name, 'utf8').toString('latin1'));
          return ofProvider(inner, 'provider_name', providers, audiences);
        }) ?? NOTHING
      );
    case 'requires_any':
      return fields.message(kind, (inner) => readAny(inner, providers)) ?? NOTHING;
    case 'requires_all':
      return fields.message(kind, (inner) => readAll(inner, providers)) ?? NOTHING;
    case 'extract_only_without_validation': {
      fields.message(kind, (inner) => readHeaderName(inner, 'verification_status_header'));
      fields.problem(kind, 'is known to Envoy but not supported by ciliate-proxy', KINDS.slice(0, -1).join(', '));
      return NOTHING;
    }
    default:
      fields.message(kind, () => undefined);
      return ofAll(providers, kind === 'allow_missing_or_failed');
  }
}

function ofProvider(fields: Fields, key: string, providers: Providers, audiences: readonly string[]): Requirement {
  const name = fields.text(key);
  const provider = providers.get(name);
  if (!provider) {
    fields.problem(key, `Required provider ['${name}'] is not configured.`, [...providers.keys()].join(', '));
    return NOTHING;
  }
  return tokensOf([provider], {
    provider,
    audiences: audiences.length > 0 ? new AudienceList(audiences) : undefined,
    allowsMissing: false,
    allowsFailed: false,
  });
}

function ofAll(providers: Providers, allowsFailed: boolean): Requirement {
  const rule = { provider: undefined, audiences: undefined, allowsMissing: true, allowsFailed };
  return tokensOf([...providers.values()], rule);
}

function tokensOf(providers: readonly Provider[], rule: TokenRule): Requirement {
  const extractor = createExtractor(providers);
  return (checking, done) => {
    const { head } = checking.stream;
    for (const name of extractor.own) head.headers.remove(name);
    authenticate(checking, rule, extractor.extract(head), done);
  };
}

/** One of the list. What may be missing or fail is not asked, but forgives what the others say. */
function readAny(fields: Fields, providers: Providers): Requirement {
  let missing = false;
  let failed = false;
  const children = fields.list('requirements', (inner) => {
    const kind = kindOf(inner);
    const requirement = readKind(inner, kind, providers);
    if (kind === 'allow_missing') missing = true;
    else if (kind === 'allow_missing_or_failed') failed = true;
    else return requirement;
    return undefined;
  });
  const asked = children.filter((child) => child !== undefined);
  if (asked.length === 0 && (missing || failed)) return ofAll(providers, failed);
  return (checking, done) => {
    const ends: JwtStatus[] = [];
    let over = false;
    const onEnd = (status: JwtStatus): void => {
      if (over) return;
      ends.push(status);
      if (status !== 'ok' && ends.length < asked.length) return;
      over = true;
      const final = status === 'ok' ? 'ok' : worst(ends);
      done(failed || (missing && final === 'missing') ? 'ok' : final);
    };
    for (const child of asked) if (!over) child(checking, onEnd);
  };
}

/** The last failure that says more than that a token of another issuer, or none, was there. */
function worst(ends: readonly JwtStatus[]): JwtStatus {
  let final: JwtStatus = 'missing';
  for (const end of ends) {
    if ((end !== 'missing' && end !== 'unknownIssuer') || final === 'missing') final = end;
  }
  return final;
}

function readAll(fields: Fields, providers: Providers): Requirement {
  const children = fields.list('requirements', (inner) => readRequirement(inner, providers));
  return (checking, done) => {
    let good = 0;
    let over = false;
    const onEnd = (status: JwtStatus): void => {
      if (over || (status === 'ok' && ++good < children.length)) return;
      over = true;
      done(status);
    };
    for (const child of children) if (!over) child(checking, onEnd);
  };
}
