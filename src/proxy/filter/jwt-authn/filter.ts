import type { Fields } from '../../config/fields.ts';
import { originalUri } from '../../http/original-uri.ts';
import type { BoundFilter, FilterControl, FilterHooks, FilterKind, FilterStream, HeadVerdict } from '../filter.ts';
import type { Checking } from './authenticate.ts';
import { type JwtAuthn, readJwtAuthn, wrongName } from './config.ts';
import type { Requirement } from './requirement.ts';
import { type JwtStatus, statusText } from './status.ts';

const TYPE = 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const NAMESPACE = 'envoy.filters.http.jwt_authn';

/** What a route says: the name of its requirement; undefined: nothing is asked. */
interface RouteJwt {
  readonly name: string | undefined;
}

/** `envoy.filters.http.jwt_authn`. */
export const jwtAuthnFilter: FilterKind = {
  type: TYPE,
  upstream: false,
  read: (fields, context) => {
    const config = readJwtAuthn(fields, context);
    return { type: TYPE, bind: ([override]) => bind(config, override as RouteJwt | undefined) };
  },
  routeType: 'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig',
  readRoute: readRouteJwt,
};

function readRouteJwt(fields: Fields): RouteJwt {
  if (fields.oneOf('requirement_specifier', ['disabled', 'requirement_name']) !== 'disabled') {
    return { name: fields.text('requirement_name') };
  }
  if (!fields.flag('disabled')) fields.problem('disabled', 'value must equal true');
  return { name: undefined };
}

function bind(config: JwtAuthn, route: RouteJwt | undefined): BoundFilter {
  return { begin: (stream, control) => new JwtRun(config, route, stream, control) };
}

/** The check of one request. */
class JwtRun implements FilterHooks {
  readonly request = { head: (): HeadVerdict => this.#onHead() };
  readonly #config: JwtAuthn;
  readonly #route: RouteJwt | undefined;
  readonly #control: FilterControl;
  readonly #checking: Checking;
  #uri = '';
  /** It waits for keys. */
  #waits = false;
  #over = false;

  constructor(config: JwtAuthn, route: RouteJwt | undefined, stream: FilterStream, control: FilterControl) {
    this.#config = config;
    this.#route = route;
    const { providers, stats } = config;
    this.#control = control;
    this.#checking = { stream, providers, stats, notes: new Map(), reroutes: false, cancels: new Set() };
  }

  onEnd(): void {
    this.#over = true;
    this.#cancel();
  }

  #cancel(): void {
    for (const cancel of this.#checking.cancels) cancel();
    this.#checking.cancels.clear();
  }

  #onHead(): HeadVerdict {
    const { stats, bypassesPreflights } = this.#config;
    const { stream } = this.#checking;
    if (bypassesPreflights && isPreflight(stream)) {
      stats.preflights++;
      return this.#allow();
    }
    const requirement = this.#requirement();
    if (requirement === 'unknown') return 'stop';
    if (!requirement) return this.#allow();
    this.#uri = originalUri(stream.head);
    let verdict: HeadVerdict = 'stop';
    requirement(this.#checking, (status) => {
      verdict = this.#onStatus(status);
    });
    this.#waits = verdict === 'stop' && !this.#over;
    return verdict;
  }

  /** What is asked of the request; `unknown`: it was refused for that. */
  #requirement(): Requirement | undefined | 'unknown' {
    const { rules, named } = this.#config;
    const { stream } = this.#checking;
    const route = this.#route;
    if (!route) return rules.find(({ matches }) => matches(stream))?.requirement;
    if (route.name === undefined) return undefined;
    const found = named.get(route.name);
    if (found) return found;
    const why = wrongName(route.name, named);
    this.#refuse(403, `Failed JWT authentication: ${why}`, why);
    return 'unknown';
  }

  #allow(): HeadVerdict {
    this.#config.stats.allowed++;
    return 'continue';
  }

  #onStatus(status: JwtStatus): HeadVerdict {
    if (this.#over) return 'stop';
    const { stream, notes, reroutes } = this.#checking;
    for (const [key, value] of notes) stream.setMetadata(NAMESPACE, key, value);
    this.#cancel();
    if (status === 'ok') {
      if (reroutes) this.#control.reroute();
      const waited = this.#waits;
      const verdict = this.#allow();
      if (waited) this.#control.resumeRequest();
      return verdict;
    }
    const why = statusText(status);
    this.#refuse(status === 'audience' ? 403 : 401, why, why, status);
    return 'stop';
  }

  #refuse(status: number, body: string, why: string, failure?: JwtStatus): void {
    this.#over = true;
    this.#config.stats.denied++;
    const details = `jwt_authn_access_denied{${why.replaceAll(' ', '_')}}`;
    const { tellsNothing } = this.#config;
    this.#checking.stream.reply({
      status,
      body: tellsNothing ? '' : body,
      details,
      ...(failure &&
        !tellsNothing && { modify: (headers) => headers.set('www-authenticate', challenge(this.#uri, failure)) }),
    });
  }
}

function challenge(uri: string, failure: JwtStatus): string {
  return `Bearer realm="${uri}"${failure === 'missing' ? '' : ', error="invalid_token"'}`;
}

/** The request by which a browser asks whether it may send another one; it never has credentials. */
function isPreflight({ head: { method, headers } }: FilterStream): boolean {
  return method === 'OPTIONS' && !!headers.get('origin') && !!headers.get('access-control-request-method');
}
