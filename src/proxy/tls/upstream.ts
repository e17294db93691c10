import { constants, type X509Certificate } from 'node:crypto';
import net from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { Fields } from '../config/fields.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Certificate } from './certificate.ts';
import { type CommonTls, noCommon, readCommon, secureContext } from './context.ts';
import { type TlsInfo, tlsInfo } from './info.ts';
import type { SecretReader } from './secret.ts';
import { type TlsCounts, tlsCounts } from './stats.ts';
import { NO_VALIDATION, trustsSomebody, type Validation } from './validation.ts';
import { shownBy, verifyPeer } from './verify.ts';

/** What one connection asks for; empty: nothing, or, of a request's wishes, what its cluster says. */
export interface TlsNames {
  /** What is asked for (SNI). */
  readonly serverName: string;
  /** A name that the host's certificate must have. */
  readonly wanted: string;
  /** That one goes in place of the names of the validation context. */
  readonly alone: boolean;
}

export const NO_NAMES: TlsNames = { serverName: '', wanted: '', alone: false };

/** The outcome of a handshake with a host. */
export type UpstreamVerdict =
  | { readonly ok: true; readonly info: TlsInfo }
  | { readonly ok: false; readonly why: string };

/** How connections to hosts are encrypted. */
export interface UpstreamTls {
  /** What a connection to a host with this `hostname` asks for, of what its request and the cluster say. */
  namesFor(asked: TlsNames, hostname: string): TlsNames;
  /** Begins a handshake over a connected socket; undefined while a secret is not there. `names`: those of `namesFor`. `fallback`: offered as ALPN where nothing is configured. */
  begin(raw: net.Socket, names: TlsNames, fallback: readonly string[]): TLSSocket | undefined;
  /** After `secureConnect`. */
  judge(socket: TLSSocket, names: TlsNames): UpstreamVerdict;
  /** The handshake failed. */
  countFailure(): void;
}

interface UpstreamConfig {
  readonly common: CommonTls;
  readonly serverName: string;
  /** `auto_host_sni`: the name of the host goes before the configured one. */
  readonly byHostname: boolean;
  /** `auto_sni_san_validation`: the host's certificate must have the name that is asked for. */
  readonly verified: boolean;
  /** How many sessions are kept to go on with. */
  readonly sessions: number;
}

/** Reads an `envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`. `statPrefix`: `cluster.<name>.`. */
export function readUpstreamTls(
  fields: Fields,
  {
    secrets,
    stats,
    statPrefix,
  }: { readonly secrets: SecretReader; readonly stats: StatsScope; readonly statPrefix: string },
): UpstreamTls {
  const common =
    fields.message('common_tls_context', (inner) => readCommon(inner, secrets, 'upstream')) ?? noCommon('upstream');
  if (common.certificates.length > 1)
    fields.problem('common_tls_context', 'Multiple TLS certificates are not supported for client contexts');
  const serverName = fields.text('sni');
  if (fields.flag('allow_renegotiation'))
    fields.problem('allow_renegotiation', 'is not supported by ciliate-proxy', 'false');
  const byHostname = fields.flag('auto_host_sni');
  const verified = fields.flag('auto_sni_san_validation');
  if (verified) checkVerified(fields, common);
  // OpenSSL checks it in each handshake.
  fields.ignore('enforce_rsa_key_usage');
  const sessions = fields.number('max_session_keys') ?? 1;
  return new Upstream({ common, serverName, byHostname, verified, sessions }, tlsCounts(stats, statPrefix, 'upstream'));
}

/** A name proves nothing where nobody vouches for the certificate. Of what comes as a secret the handshake judges. */
function checkVerified(fields: Fields, { validation }: CommonTls): void {
  const known = validation();
  if (!known || trustsSomebody(known)) return;
  const missing = known === NO_VALIDATION ? 'a validation context' : 'configuring a trusted CA';
  fields.problem('auto_sni_san_validation', `'auto_sni_san_validation' was configured without ${missing}`);
}

interface Prepared {
  readonly certificate: Certificate | undefined;
  readonly validation: Validation;
  readonly context: SecureContext;
}

/** Names whose sessions are kept, where less is configured. */
const NAMES_KEPT = 64;

/** Whose certificate a connection and the sessions that came of it go by. */
interface Holder {
  peer: X509Certificate | undefined;
}

interface Session {
  readonly ticket: Buffer;
  readonly holder: Holder;
}

class Upstream implements UpstreamTls {
  readonly #config: UpstreamConfig;
  readonly #counts: TlsCounts;
  #prepared: Prepared | undefined = undefined;
  /** By the name that was asked for; the newest last. */
  readonly #holders = new WeakMap<TLSSocket, Holder>();
  readonly #sessions = new Map<string, Session>();

  constructor(config: UpstreamConfig, counts: TlsCounts) {
    this.#config = config;
    this.#counts = counts;
  }

  namesFor(asked: TlsNames, hostname: string): TlsNames {
    const { serverName: fixed, byHostname, verified } = this.#config;
    const serverName = asked.serverName || (byHostname && hostname) || fixed;
    if (asked.wanted !== '' || !verified || serverName === '') return { ...asked, serverName };
    return { serverName, wanted: serverName, alone: true };
  }

  begin(raw: net.Socket, names: TlsNames, fallback: readonly string[]): TLSSocket | undefined {
    const prepared = this.#material();
    if (!prepared) {
      this.#counts.missing.count++;
      return undefined;
    }
    const { common, sessions } = this.#config;
    const name = names.serverName;
    const protocols = common.protocols.length > 0 ? common.protocols : fallback;
    const session = this.#sessions.get(name);
    const socket = connect({
      socket: raw,
      secureContext: prepared.context,
      // Judged once the handshake is done, before anything is sent.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(name === '' || net.isIP(name) !== 0 ? {} : { servername: name }),
      ...(protocols.length > 0 ? { ALPNProtocols: [...protocols] } : {}),
      ...(session ? { session: session.ticket } : {}),
    });
    const holder: Holder = { peer: session?.holder.peer };
    this.#holders.set(socket, holder);
    if (sessions > 0) socket.on('session', (ticket: Buffer) => this.#keep(name, { ticket, holder }, sessions));
    return socket;
  }

  /** Envoy keeps so many in all; a host goes on with a session of the same name only. */
  #keep(name: string, session: Session, most: number): void {
    this.#sessions.delete(name);
    this.#sessions.set(name, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > Math.max(most, NAMES_KEPT) && oldest !== undefined) this.#sessions.delete(oldest);
  }

  judge(socket: TLSSocket, names: TlsNames): UpstreamVerdict {
    if (!this.#prepared) return { ok: false, why: 'TLS_error:Secret is not supplied by SDS' };
    const { validation, certificate } = this.#prepared;
    const holder = this.#holders.get(socket);
    const held = names.alone ? { ...validation, names: [] } : validation;
    const shown = shownBy(socket, holder?.peer);
    const verdict = verifyPeer(shown, held, true, names.wanted);
    if (holder && verdict.ok) holder.peer = verdict.peer;
    if (verdict.ok) return { ok: true, info: tlsInfo(shown, verdict, certificate, this.#counts) };
    if (verdict.kind) this.#counts.stats[verdict.kind]++;
    this.#sessions.delete(names.serverName);
    return { ok: false, why: `TLS_error:|CERTIFICATE_VERIFY_FAILED:${verdict.why}` };
  }

  countFailure(): void {
    this.#counts.stats.connectionError++;
  }

  /** Undefined while a secret is not there. */
  #material(): Prepared | undefined {
    const { common } = this.#config;
    const [own] = common.certificates;
    const certificate = own?.();
    const validation = common.validation();
    if (!validation || (own && !certificate)) return undefined;
    const before = this.#prepared;
    if (before?.validation === validation && before.certificate === certificate) return before;
    const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
    const context = secureContext(common, certificate ? [certificate] : [], validation, { secureOptions });
    this.#prepared = { certificate, validation, context };
    this.#sessions.clear();
    return this.#prepared;
  }
}

/** What the connections of a host are encrypted with. */
export interface Encryption {
  readonly tls: UpstreamTls;
  readonly names: TlsNames;
  /** What is offered as ALPN where nothing is configured. */
  readonly fallback: readonly string[];
}
