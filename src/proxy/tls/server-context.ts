import { constants } from 'node:crypto';
import {
  ALPN,
  addressOf,
  type OpenSsl,
  openssl,
  SSL_CONTROL,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_VERIFY,
  X509_CHECK_CRL,
} from '../../sys/index.ts';
import type { Certificate } from './certificate.ts';
import { rootsOf } from './context.ts';
import type { Parameters } from './parameters.ts';
import { SessionMemory, TlsSession } from './session.ts';
import type { Validation } from './validation.ts';

/** What connections of one context have in common. */
export interface ServerSettings {
  readonly parameters: Parameters;
  /** The first decides where several would do. */
  readonly certificates: readonly Certificate[];
  readonly validation: Validation;
  /** Whether clients are asked for a certificate, and let in without one. */
  readonly asks: 'never' | 'wants' | 'requires';
  /** Whether an application protocol may be agreed on. */
  readonly protocols: boolean;
  /** Sessions of one context are none of another's; at most 32 bytes. */
  readonly sessionContext: Buffer;
  /** 80 bytes: a name and keys to sign and to encrypt with. */
  readonly ticketKeys: Buffer;
  /** Of `SSL_OP_*`. */
  readonly options: number;
  readonly sessionSeconds: number | undefined;
}

const VERSIONS: Readonly<Record<string, number>> = { 'TLSv1.2': 0x0303, 'TLSv1.3': 0x0304 };
const TLS13 = 'TLS_';

/** What all contexts of a thread use. */
export interface ServerTls {
  readonly openssl: OpenSsl;
  readonly memory: SessionMemory;
  readonly select: unknown;
  readonly verified: unknown;
  readonly freeing: FinalizationRegistry<number>;
}

let shared: ServerTls | false | undefined;
/** The protocol of the handshake under way: its length, then the name. */
const agreed = Buffer.alloc(256);
const agreedPointer = Buffer.alloc(8);

/** Undefined where this process has no OpenSSL to use: then Node's own sockets decrypt. */
export function serverTls(): ServerTls | undefined {
  if (shared === undefined) shared = makeShared() ?? false;
  return shared || undefined;
}

/** Has listeners from now on do without. */
export function decryptWithSockets(): void {
  shared = false;
}

function makeShared(): ServerTls | undefined {
  const found = openssl();
  if (!found) return undefined;
  agreedPointer.writeBigUInt64LE(BigInt(addressOf(agreed) + 1));
  const select = (_ssl: number, chosen: number, length: number): number => {
    if (agreed[0] === 0) return ALPN.none;
    found.copyTo(chosen, agreedPointer, 8);
    found.copyTo(length, agreed, 1);
    return ALPN.agreed;
  };
  return {
    openssl: found,
    memory: new SessionMemory(found),
    select: found.alpnCallback(select),
    // What a certificate is worth is judged once the handshake is done.
    verified: found.verifyCallback(() => 1),
    freeing: new FinalizationRegistry((context) => found.SSL_CTX_free(context)),
  };
}

/** Says which protocol the next step of a handshake agrees on; empty: none. At most 255 bytes. */
export function agreeOn(protocol: string): void {
  agreed[0] = agreed.write(protocol, 1, 'latin1');
}

/** A context of OpenSSL for the connections of clients. */
export class ServerContext {
  readonly #shared: ServerTls;
  readonly #context: number;

  /** Throws what OpenSSL says where it does not take something. */
  constructor(part: ServerTls, settings: ServerSettings) {
    this.#shared = part;
    this.#context = part.openssl.SSL_CTX_new(part.openssl.TLS_server_method());
    if (this.#context === 0) throw new Error('OpenSSL has no memory');
    part.freeing.register(this, this.#context);
    this.#setParameters(settings);
    for (const certificate of settings.certificates) this.#use(certificate);
    this.#trust(settings);
    this.#setSessions(settings);
    if (settings.protocols) part.openssl.SSL_CTX_set_alpn_select_cb(this.#context, part.select, 0);
  }

  /** Begins a connection; `protocol`: see `agreeOn`. */
  begin(protocol: string): TlsSession {
    const { openssl, memory } = this.#shared;
    const ssl = openssl.SSL_new(this.#context);
    if (ssl === 0) throw new Error('OpenSSL has no memory');
    return new TlsSession(memory, ssl, protocol);
  }

  #done(result: unknown, what: string): void {
    if (Number(result) > 0) return;
    throw new Error(`${what}: ${this.#shared.memory.fault() || 'refused'}`);
  }

  #control(command: number, number: number, text: string | Buffer | null, what: string): void {
    const value = typeof text === 'string' ? Buffer.from(`${text}\0`) : text;
    this.#done(this.#shared.openssl.SSL_CTX_ctrl(this.#context, command, number, value), what);
  }

  #setParameters({ parameters, options }: ServerSettings): void {
    const { openssl } = this.#shared;
    const { minVersion, maxVersion, ciphers, ecdhCurve, sigalgs } = parameters;
    openssl.SSL_CTX_set_options(this.#context, options);
    openssl.SSL_CTX_ctrl(this.#context, SSL_CONTROL.mode, SSL_MODE_RELEASE_BUFFERS, null);
    this.#control(SSL_CONTROL.minimum, VERSIONS[minVersion] ?? 0, null, 'minimum version');
    this.#control(SSL_CONTROL.maximum, VERSIONS[maxVersion] ?? 0, null, 'maximum version');
    const names = ciphers.split(':');
    const of13 = names.filter((name) => name.startsWith(TLS13)).join(':');
    const others = names.filter((name) => !name.startsWith(TLS13)).join(':');
    this.#done(openssl.SSL_CTX_set_ciphersuites(this.#context, of13), 'ciphers');
    this.#done(openssl.SSL_CTX_set_cipher_list(this.#context, others), 'ciphers');
    this.#control(SSL_CONTROL.groups, 0, ecdhCurve, 'curves');
    if (sigalgs !== undefined) this.#control(SSL_CONTROL.signatures, 0, sigalgs, 'signature algorithms');
  }

  /** Hands every object of a PEM text to `take`, which does not keep it. */
  #each(pem: string, kind: 'X509_AUX' | 'X509_CRL' | 'PrivateKey', take: (object: number, at: number) => void): void {
    const { openssl, memory } = this.#shared;
    const free = { X509_AUX: openssl.X509_free, X509_CRL: openssl.X509_CRL_free, PrivateKey: openssl.EVP_PKEY_free };
    const bytes = Buffer.from(pem);
    const source = openssl.BIO_new(openssl.BIO_s_mem());
    try {
      openssl.BIO_write(source, bytes, bytes.length);
      for (let count = 0; ; count++) {
        const object: number = openssl[`PEM_read_bio_${kind}`](source, 0, 0, 0);
        // The end of the text is an error to OpenSSL, too.
        if (object === 0) {
          const fault = memory.fault();
          if (count === 0) throw new Error(fault || 'nothing is there');
          return;
        }
        try {
          take(object, count);
        } finally {
          free[kind](object);
        }
      }
    } finally {
      openssl.BIO_free(source);
    }
  }

  /** The chain belongs to the certificate that was used last. */
  #use({ chain, key }: Certificate): void {
    const { openssl } = this.#shared;
    const { chainCertificate } = SSL_CONTROL;
    this.#each(chain, 'X509_AUX', (one, at) => {
      if (at === 0) this.#done(openssl.SSL_CTX_use_certificate(this.#context, one), 'certificate');
      else this.#done(openssl.SSL_CTX_pointer(this.#context, chainCertificate, 1, one), 'certificate chain');
    });
    this.#each(key, 'PrivateKey', (one) => this.#done(openssl.SSL_CTX_use_PrivateKey(this.#context, one), 'key'));
  }

  #trust({ validation, asks }: ServerSettings): void {
    const { openssl, verified } = this.#shared;
    const store = openssl.SSL_CTX_get_cert_store(this.#context);
    for (const pem of rootsOf(validation)) {
      this.#each(pem, 'X509_AUX', (one) => {
        openssl.X509_STORE_add_cert(store, one);
        openssl.SSL_CTX_add_client_CA(this.#context, one);
      });
    }
    if (validation.revoked !== '') {
      this.#each(validation.revoked, 'X509_CRL', (one) => openssl.X509_STORE_add_crl(store, one));
      openssl.X509_STORE_set_flags(store, X509_CHECK_CRL);
    }
    if (asks === 'never') return;
    const mode = asks === 'requires' ? SSL_VERIFY.peer | SSL_VERIFY.failWithout : SSL_VERIFY.peer;
    openssl.SSL_CTX_set_verify(this.#context, mode, verified);
  }

  /** Tickets alone are kept, by the clients. */
  #setSessions({ options, sessionContext, ticketKeys, sessionSeconds }: ServerSettings): void {
    const { openssl } = this.#shared;
    // Those of TLS 1.3 would come nevertheless, and lead nowhere.
    if ((options & constants.SSL_OP_NO_TICKET) !== 0) openssl.SSL_CTX_set_num_tickets(this.#context, 0);
    openssl.SSL_CTX_ctrl(this.#context, SSL_CONTROL.sessionCacheMode, 0, null);
    const set = openssl.SSL_CTX_set_session_id_context(this.#context, sessionContext, sessionContext.length);
    this.#done(set, 'session context');
    this.#control(SSL_CONTROL.ticketKeys, ticketKeys.length, ticketKeys, 'ticket keys');
    if (sessionSeconds !== undefined) openssl.SSL_CTX_set_timeout(this.#context, sessionSeconds);
  }
}
