import { constants, createHash } from 'node:crypto';
import type net from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Fields } from '../config/fields.ts';
import type { ClientHello } from '../http/stream-info.ts';
import type { StatsScope } from '../stats/store.ts';
import { Deadline } from '../time/deadline.ts';
import type { Certificate } from './certificate.ts';
import { type CommonTls, noCommon, readCommon, secureContext } from './context.ts';
import { type TlsInfo, tlsInfo } from './info.ts';
import { dnsNameMatches } from './names.ts';
import { readSecretConfig, readTicketKeys, type SecretReader } from './secret.ts';
import { type TlsCounts, tlsCounts } from './stats.ts';
import { type Validation, verifies } from './validation.ts';
import { verifyPeer } from './verify.ts';

/** What comes of a handshake; one of them is called, once. */
export interface HandshakeEnd {
  readonly done: (socket: TLSSocket, info: TlsInfo) => void;
  /** The connection is gone. `timedOut`: because it took too long. */
  readonly failed: (why: string, timedOut: boolean) => void;
}

export interface Handshake {
  /** Ends it and the connection; nothing is told. */
  destroy(): void;
}

/** How connections of a filter chain are decrypted. */
export interface DownstreamTls {
  /** The hello must be known before the handshake: its names decide. */
  readonly needsHello: boolean;
  /** Begins a handshake on a connection that nobody has read from, but for what was put back. `timeoutMs`: 0 for no limit. */
  begin(socket: net.Socket, hello: ClientHello | undefined, timeoutMs: number, end: HandshakeEnd): Handshake;
}

export interface TlsSurroundings {
  readonly secrets: SecretReader;
  readonly stats: StatsScope;
  /** Of the listener: `listener.<address>.`. */
  readonly statPrefix: string;
  /** What the keys of session tickets are made from where none are configured; the same in all workers. */
  readonly ticketSeed: Buffer;
}

interface DownstreamConfig {
  readonly common: CommonTls;
  /** Clients must show a certificate. */
  readonly required: boolean;
  readonly ticketKeys: () => readonly Buffer[] | undefined;
  readonly stateless: boolean;
  readonly sessionSeconds: number | undefined;
  readonly ticketSeed: Buffer;
}

/** Reads an `envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext`. */
export function readDownstreamTls(fields: Fields, surroundings: TlsSurroundings): DownstreamTls {
  const { secrets, stats, statPrefix, ticketSeed } = surroundings;
  const common =
    fields.message('common_tls_context', (inner) => readCommon(inner, secrets, 'downstream')) ?? noCommon('downstream');
  if (common.certificates.length === 0)
    fields.problem('common_tls_context', 'No TLS certificates found for server context');
  // Envoy does not implement it.
  fields.ignore('require_sni');
  // Sessions are kept in tickets alone.
  fields.ignore('disable_stateful_session_resumption');
  fields.choice('ocsp_staple_policy', ['LENIENT_STAPLING']);
  // Every certificate is looked at anyway.
  fields.ignore('full_scan_certs_on_sni_mismatch');
  if (fields.boolean('prefer_client_ciphers'))
    fields.problem('prefer_client_ciphers', 'is not supported by ciliate-proxy', 'false');
  const inline = fields.message('session_ticket_keys', readTicketKeys);
  const discovered = fields.message('session_ticket_keys_sds_secret_config', (inner) =>
    readSecretConfig(inner, 'session_ticket_keys', secrets),
  );
  const sessionMs = fields.duration('session_timeout');
  return new Downstream(
    {
      common,
      required: fields.boolean('require_client_certificate') ?? false,
      ticketKeys: discovered ?? (() => inline ?? []),
      stateless: !fields.flag('disable_stateless_session_resumption'),
      sessionSeconds: sessionMs === undefined ? undefined : Math.max(1, Math.floor(sessionMs / 1000)),
      ticketSeed,
    },
    tlsCounts(stats, statPrefix, 'downstream'),
  );
}

/** Certificates and what clients are held to, as they were when a context was made for them. */
interface Material {
  readonly certificates: readonly Certificate[];
  readonly validation: Validation;
  readonly ticketKeys: readonly Buffer[];
}

interface Prepared extends Material {
  readonly contexts: Map<string, { readonly context: SecureContext; readonly own: Certificate }>;
}

class Downstream implements DownstreamTls {
  readonly needsHello: boolean;
  readonly #config: DownstreamConfig;
  readonly #counts: TlsCounts;
  #prepared: Prepared | undefined = undefined;

  constructor(config: DownstreamConfig, counts: TlsCounts) {
    this.#config = config;
    this.#counts = counts;
    const { common } = config;
    this.needsHello = common.protocols.length > 0 || common.certificates.length > 1;
  }

  begin(raw: net.Socket, hello: ClientHello | undefined, timeoutMs: number, end: HandshakeEnd): Handshake {
    const prepared = this.#material();
    raw.on('error', () => undefined);
    if (!prepared) {
      this.#counts.missing.count++;
      raw.destroy();
      end.failed('TLS error: Secret is not supplied by SDS', false);
      return { destroy: () => undefined };
    }
    const { context, own } = this.#contextFor(prepared, hello?.serverName ?? '');
    const { common, required } = this.#config;
    const asks = required || verifies(prepared.validation);
    const protocol = common.protocols.find((one) => hello?.protocols.includes(one));
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: context,
      requestCert: asks,
      // Has OpenSSL refuse a client without a certificate; what a certificate is worth is judged afterwards.
      rejectUnauthorized: required,
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    });
    return new PendingHandshake(socket, timeoutMs, end, {
      counts: this.#counts,
      validation: prepared.validation,
      required,
      own,
    });
  }

  /** Undefined while a secret is not there. What was made of former secrets is let go of. */
  #material(): Prepared | undefined {
    const { common, ticketKeys } = this.#config;
    const certificates = common.certificates.map((one) => one());
    const validation = common.validation();
    const keys = ticketKeys();
    if (!validation || !keys || certificates.some((one) => one === undefined)) return undefined;
    const before = this.#prepared;
    const same =
      before?.validation === validation &&
      before.ticketKeys === keys &&
      certificates.every((one, index) => one === before.certificates[index]);
    if (same) return before;
    const there = certificates.filter((one) => one !== undefined);
    this.#prepared = { certificates: there, validation, ticketKeys: keys, contexts: new Map() };
    return this.#prepared;
  }

  /** The certificates for a name: those that have it, else the first and those for other kinds of keys. */
  #contextFor(prepared: Prepared, name: string): { readonly context: SecureContext; readonly own: Certificate } {
    const { certificates, contexts } = prepared;
    const fitting = certificates.length === 1 ? certificates : chosen(certificates, name);
    const key = fitting.map((one) => certificates.indexOf(one)).join();
    const known = contexts.get(key);
    if (known) return known;
    const made = { context: this.#contextOf(prepared, fitting), own: fitting[0] as Certificate };
    contexts.set(key, made);
    return made;
  }

  #contextOf({ validation, ticketKeys }: Prepared, certificates: readonly Certificate[]): SecureContext {
    const { common, stateless, sessionSeconds, ticketSeed } = this.#config;
    const names = certificates.map(({ leaf }) => leaf.fingerprint256).join();
    const digest = (text: string | Buffer): Buffer => createHash('sha512').update(text).digest();
    const [first] = ticketKeys;
    const options = stateless ? 0 : constants.SSL_OP_NO_TICKET;
    return secureContext(common, certificates, validation, {
      // Sessions of one context are none of another's.
      sessionIdContext: digest(`${names} ${validation.authorities ?? ''}`)
        .toString('hex')
        .slice(0, 32),
      ticketKeys: (first ? digest(first) : digest(Buffer.concat([ticketSeed, Buffer.from(names)]))).subarray(0, 48),
      secureOptions: options | constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
      ...(sessionSeconds === undefined ? {} : { sessionTimeout: sessionSeconds }),
    });
  }
}

/** One certificate for each kind of key: the first with exactly the name, else with a wildcard for it, else the first there is. */
function chosen(certificates: readonly Certificate[], name: string): readonly Certificate[] {
  const exact = certificates.filter(({ names }) => names.some((one) => one.toLowerCase() === name));
  const wild = certificates.filter(({ names }) => names.some((one) => dnsNameMatches(one, name)));
  const fitting = name === '' ? [] : [...exact, ...wild];
  const list = fitting.length > 0 ? fitting : certificates;
  const kinds = new Set<string | undefined>();
  return list.filter(({ leaf }) => {
    const kind = leaf.publicKey.asymmetricKeyType;
    if (kinds.has(kind)) return false;
    kinds.add(kind);
    return true;
  });
}

interface Judging {
  readonly counts: TlsCounts;
  readonly validation: Validation;
  readonly required: boolean;
  readonly own: Certificate;
}

/** A handshake under way. */
class PendingHandshake implements Handshake {
  readonly #socket: TLSSocket;
  readonly #end: HandshakeEnd;
  readonly #judging: Judging;
  readonly #deadline = new Deadline(() => this.#fail('TLS error: the handshake took too long', true));
  #over = false;

  constructor(socket: TLSSocket, timeoutMs: number, end: HandshakeEnd, judging: Judging) {
    this.#socket = socket;
    this.#end = end;
    this.#judging = judging;
    this.#deadline.start(timeoutMs);
    let fault = '';
    socket.on('error', () => undefined);
    socket.once('_tlsError', (error: Error) => {
      fault = error.message;
    });
    socket.once('close', () => {
      if (fault !== '' && !this.#over) this.#count(fault);
      this.#fail(`TLS error: ${fault || 'the client went away'}`, false);
    });
    socket.once('end', () => this.#fail('TLS error: the client went away', false));
    socket.once('secure', () => this.#secure());
  }

  destroy(): void {
    this.#over = true;
    this.#deadline.stop();
    this.#socket.destroy();
  }

  #secure(): void {
    if (this.#over) return;
    const { counts, validation, required, own } = this.#judging;
    const verdict = verifyPeer(this.#socket, validation, required);
    if (!verdict.ok) {
      if (verdict.kind) counts.stats[verdict.kind]++;
      this.#fail(`TLS error: ${verdict.why}`, false);
      return;
    }
    this.#over = true;
    this.#deadline.stop();
    this.#end.done(this.#socket, tlsInfo(this.#socket, verdict, own, counts));
  }

  #count(fault: string): void {
    const { stats } = this.#judging.counts;
    if (fault.includes('peer did not return a certificate')) stats.failNoCertificate++;
    else stats.connectionError++;
  }

  #fail(why: string, timedOut: boolean): void {
    if (this.#over) return;
    this.destroy();
    this.#end.failed(why, timedOut);
  }
}
