import { constants, createHash } from 'node:crypto';
import type net from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Fields } from '../config/fields.ts';
import type { ClientHello } from '../http/stream-info.ts';
import type { StatsScope } from '../stats/store.ts';
import type { Certificate } from './certificate.ts';
import { ClientHelloReader } from './client-hello.ts';
import { type CommonTls, noCommon, readCommon, secureContext } from './context.ts';
import {
  type BeginSession,
  type Handshake,
  type HandshakeEnd,
  SessionHandshake,
  SocketHandshake,
} from './handshake.ts';
import { dnsNameMatches } from './names.ts';
import { readSecretConfig, readTicketKeys, type SecretReader } from './secret.ts';
import { ServerContext, type ServerTls, serverTls } from './server-context.ts';
import { type TlsCounts, tlsCounts } from './stats.ts';
import { type Validation, verifies } from './validation.ts';

/** What is known of a connection before its handshake. */
export interface ReadBefore {
  readonly hello: ClientHello | undefined;
  /** Something has read from it. */
  readonly wasRead: boolean;
}

/** How connections of a filter chain are decrypted. */
export interface DownstreamTls {
  /** The hello must be known before the handshake begins: its names decide, and it does not read them itself. */
  readonly needsHello: boolean;
  /** Begins a handshake on a connection that nobody has read from, but for what was put back. `timeoutMs`: 0 for no limit. */
  begin(socket: net.Socket, read: ReadBefore, timeoutMs: number, end: HandshakeEnd): Handshake;
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
  /** Of the ciphers that both have, the client's first is taken. */
  readonly clientPrefers: boolean;
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
  const inline = fields.message('session_ticket_keys', readTicketKeys);
  const discovered = fields.message('session_ticket_keys_sds_secret_config', (inner) =>
    readSecretConfig(inner, 'session_ticket_keys', secrets),
  );
  // One list, by which it is told that nothing has changed.
  const ticketKeys = inline ?? [];
  const sessionMs = fields.duration('session_timeout');
  return new Downstream(
    {
      common,
      required: fields.boolean('require_client_certificate') ?? false,
      ticketKeys: discovered ?? (() => ticketKeys),
      stateless: !fields.flag('disable_stateless_session_resumption'),
      clientPrefers: fields.flag('prefer_client_ciphers'),
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
  readonly contexts: Map<string, Chosen>;
}

/** The certificates for a name. */
interface Chosen {
  readonly own: Certificate;
  readonly context: ServerContext | SecureContext;
}

class Downstream implements DownstreamTls {
  readonly needsHello: boolean;
  readonly #namesDecide: boolean;
  /** Undefined: Node's sockets decrypt. */
  readonly #own: ServerTls | undefined;
  readonly #config: DownstreamConfig;
  readonly #counts: TlsCounts;
  #prepared: Prepared | undefined = undefined;

  constructor(config: DownstreamConfig, counts: TlsCounts) {
    this.#config = config;
    this.#counts = counts;
    const { common } = config;
    this.#namesDecide = common.protocols.length > 0 || common.certificates.length > 1;
    this.#own = serverTls();
    this.needsHello = this.#namesDecide && !this.#own;
  }

  begin(raw: net.Socket, { hello, wasRead }: ReadBefore, timeoutMs: number, end: HandshakeEnd): Handshake {
    const counts = this.#counts;
    const prepared = this.#material();
    raw.on('error', () => undefined);
    if (!prepared) {
      this.#counts.missing.count++;
      raw.destroy();
      end.failed('TLS error: Secret is not supplied by SDS', false);
      return { destroy: () => undefined };
    }
    if (!this.#own) return this.#beginSocket(prepared, raw, hello, timeoutMs, end);
    const reader = hello || !this.#namesDecide ? undefined : new ClientHelloReader();
    const begin: BeginSession = (bytes) => {
      const read = reader ? readHello(reader, bytes) : hello;
      return read === 'more' ? undefined : this.#beginSession(prepared, read);
    };
    return new SessionHandshake(raw, wasRead, { counts, begin }, timeoutMs, end);
  }

  #beginSession(prepared: Prepared, hello: ClientHello | undefined): ReturnType<BeginSession> {
    const { context, own } = this.#contextFor(prepared, hello?.serverName ?? '');
    if (!(context instanceof ServerContext)) return undefined;
    const { common, required } = this.#config;
    const protocol = common.protocols.find((one) => hello?.protocols.includes(one)) ?? '';
    const judging = { counts: this.#counts, validation: prepared.validation, required, own };
    return { session: context.begin(protocol), judging };
  }

  #beginSocket(
    prepared: Prepared,
    raw: net.Socket,
    hello: ClientHello | undefined,
    timeoutMs: number,
    end: HandshakeEnd,
  ): Handshake {
    const { context, own } = this.#contextFor(prepared, hello?.serverName ?? '');
    const { common, required } = this.#config;
    const protocol = common.protocols.find((one) => hello?.protocols.includes(one));
    const socket = new TLSSocket(raw, {
      isServer: true,
      secureContext: context as SecureContext,
      requestCert: required || verifies(prepared.validation),
      // Has OpenSSL refuse a client without a certificate; what a certificate is worth is judged afterwards.
      rejectUnauthorized: required,
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    });
    const judging = { counts: this.#counts, validation: prepared.validation, required, own };
    return new SocketHandshake(socket, timeoutMs, end, judging);
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
  #contextFor(prepared: Prepared, name: string): Chosen {
    const { certificates, contexts } = prepared;
    const fitting = certificates.length === 1 ? certificates : chosen(certificates, name);
    const key = fitting.map((one) => certificates.indexOf(one)).join();
    const known = contexts.get(key);
    if (known) return known;
    const made = { context: this.#contextOf(prepared, fitting), own: fitting[0] as Certificate };
    contexts.set(key, made);
    return made;
  }

  #contextOf({ validation, ticketKeys }: Prepared, certificates: readonly Certificate[]): Chosen['context'] {
    const { common, required, stateless, clientPrefers, sessionSeconds, ticketSeed } = this.#config;
    const names = certificates.map(({ leaf }) => leaf.fingerprint256).join();
    const [first] = ticketKeys;
    const secret = first ?? Buffer.concat([ticketSeed, Buffer.from(names)]);
    const sessionContext = digest(`${names} ${validation.authorities ?? ''}`)
      .toString('hex')
      .slice(0, SESSION_CONTEXT);
    const tickets = stateless ? 0 : constants.SSL_OP_NO_TICKET;
    const preference = clientPrefers ? 0 : constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
    const options = tickets | constants.SSL_OP_NO_RENEGOTIATION | preference;
    if (!this.#own)
      return secureContext(common, certificates, validation, {
        sessionIdContext: sessionContext,
        ticketKeys: digest(secret).subarray(0, 48),
        secureOptions: options,
        ...(sessionSeconds === undefined ? {} : { sessionTimeout: sessionSeconds }),
      });
    const asks = verifies(validation) ? 'wants' : 'never';
    return new ServerContext(this.#own, {
      parameters: common.parameters,
      certificates,
      validation,
      asks: required ? 'requires' : asks,
      protocols: common.protocols.length > 0,
      sessionContext: Buffer.from(sessionContext),
      ticketKeys: Buffer.concat([digest(secret), digest(digest(secret))]).subarray(0, 80),
      options,
      sessionSeconds,
    });
  }
}

/** Sessions of one context are none of another's. */
const SESSION_CONTEXT = 32;

const digest = (text: string | Buffer): Buffer => createHash('sha512').update(text).digest();

/** More than this of a hello is none. */
const MAX_HELLO = 16_384;

/** What is no hello goes on to the handshake, which refuses it. */
function readHello(reader: ClientHelloReader, bytes: Buffer): ClientHello | 'more' | undefined {
  const read = reader.read(bytes.subarray(0, MAX_HELLO));
  if (read === 'more') return bytes.length < MAX_HELLO ? 'more' : undefined;
  return read === 'other' ? undefined : read;
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
