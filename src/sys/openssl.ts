import koffi from 'koffi';

/*
 * The OpenSSL that this process has for Node's own use, through its public interface: official builds of Node export it. Pointers are
 * numbers. Constants are those of openssl/ssl.h and openssl/bio.h of 3.x.
 */

/** What `SSL_get_error` says of a call that did not succeed. */
export const SSL_ERROR = { wantRead: 2, zeroReturn: 6 } as const;

/** Commands of `SSL_CTX_ctrl`. */
export const SSL_CONTROL = {
  mode: 33,
  sessionCacheMode: 44,
  ticketKeys: 59,
  chainCertificate: 89,
  groups: 92,
  signatures: 98,
  minimum: 123,
  maximum: 124,
} as const;

/** SSL_MODE_RELEASE_BUFFERS: what waits keeps no buffers. */
export const SSL_MODE_RELEASE_BUFFERS = 0x10;
export const SSL_VERIFY = { peer: 1, failWithout: 2 } as const;
export const X509_CHECK_CRL = 0x4 | 0x8;
export const ALPN = { agreed: 0, none: 3 } as const;

function load() {
  const own = koffi.load(null);
  const select = koffi.proto('int AlpnSelect(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uint32_t, uintptr_t)');
  const verify = koffi.proto('int VerifyDone(int, uintptr_t)');
  return {
    ERR_clear_error: own.func('void ERR_clear_error()'),
    ERR_get_error: own.func('unsigned long ERR_get_error()'),
    ERR_error_string_n: own.func('void ERR_error_string_n(unsigned long, _Out_ void*, size_t)'),
    TLS_server_method: own.func('uintptr_t TLS_server_method()'),
    SSL_CTX_new: own.func('uintptr_t SSL_CTX_new(uintptr_t)'),
    SSL_CTX_free: own.func('void SSL_CTX_free(uintptr_t)'),
    SSL_CTX_ctrl: own.func('long SSL_CTX_ctrl(uintptr_t, int, long, void*)'),
    SSL_CTX_pointer: own.func('SSL_CTX_ctrl', 'long', ['uintptr_t', 'int', 'long', 'uintptr_t']),
    SSL_CTX_set_options: own.func('uint64_t SSL_CTX_set_options(uintptr_t, uint64_t)'),
    SSL_CTX_set_timeout: own.func('long SSL_CTX_set_timeout(uintptr_t, long)'),
    SSL_CTX_set_num_tickets: own.func('int SSL_CTX_set_num_tickets(uintptr_t, size_t)'),
    SSL_CTX_set_session_id_context: own.func('int SSL_CTX_set_session_id_context(uintptr_t, void*, uint32_t)'),
    SSL_CTX_set_cipher_list: own.func('int SSL_CTX_set_cipher_list(uintptr_t, str)'),
    SSL_CTX_set_ciphersuites: own.func('int SSL_CTX_set_ciphersuites(uintptr_t, str)'),
    SSL_CTX_use_certificate: own.func('int SSL_CTX_use_certificate(uintptr_t, uintptr_t)'),
    SSL_CTX_use_PrivateKey: own.func('int SSL_CTX_use_PrivateKey(uintptr_t, uintptr_t)'),
    SSL_CTX_set_verify: own.func('SSL_CTX_set_verify', 'void', ['uintptr_t', 'int', koffi.pointer(verify)]),
    SSL_CTX_set_alpn_select_cb: own.func('SSL_CTX_set_alpn_select_cb', 'void', [
      'uintptr_t',
      koffi.pointer(select),
      'uintptr_t',
    ]),
    SSL_CTX_add_client_CA: own.func('int SSL_CTX_add_client_CA(uintptr_t, uintptr_t)'),
    SSL_CTX_get_cert_store: own.func('uintptr_t SSL_CTX_get_cert_store(uintptr_t)'),
    X509_STORE_add_cert: own.func('int X509_STORE_add_cert(uintptr_t, uintptr_t)'),
    X509_STORE_add_crl: own.func('int X509_STORE_add_crl(uintptr_t, uintptr_t)'),
    X509_STORE_set_flags: own.func('int X509_STORE_set_flags(uintptr_t, unsigned long)'),
    PEM_read_bio_X509_AUX: own.func('uintptr_t PEM_read_bio_X509_AUX(uintptr_t, uintptr_t, uintptr_t, uintptr_t)'),
    PEM_read_bio_X509_CRL: own.func('uintptr_t PEM_read_bio_X509_CRL(uintptr_t, uintptr_t, uintptr_t, uintptr_t)'),
    PEM_read_bio_PrivateKey: own.func('uintptr_t PEM_read_bio_PrivateKey(uintptr_t, uintptr_t, uintptr_t, uintptr_t)'),
    X509_free: own.func('void X509_free(uintptr_t)'),
    X509_CRL_free: own.func('void X509_CRL_free(uintptr_t)'),
    EVP_PKEY_free: own.func('void EVP_PKEY_free(uintptr_t)'),
    X509_size: own.func('i2d_X509', 'int', ['uintptr_t', 'uintptr_t']),
    X509_write: own.func('i2d_X509', 'int', ['uintptr_t', '_Inout_ uintptr_t*']),
    X509_verify_cert_error_string: own.func('str X509_verify_cert_error_string(long)'),
    BIO_new: own.func('uintptr_t BIO_new(uintptr_t)'),
    BIO_s_mem: own.func('uintptr_t BIO_s_mem()'),
    BIO_free: own.func('int BIO_free(uintptr_t)'),
    BIO_up_ref: own.func('int BIO_up_ref(uintptr_t)'),
    BIO_ctrl_pending: own.func('size_t BIO_ctrl_pending(uintptr_t)'),
    BIO_write: own.func('int BIO_write(uintptr_t, void*, int)'),
    BIO_read: own.func('int BIO_read(uintptr_t, uintptr_t, int)'),
    SSL_new: own.func('uintptr_t SSL_new(uintptr_t)'),
    SSL_free: own.func('void SSL_free(uintptr_t)'),
    SSL_set_bio: own.func('void SSL_set_bio(uintptr_t, uintptr_t, uintptr_t)'),
    SSL_set_accept_state: own.func('void SSL_set_accept_state(uintptr_t)'),
    SSL_do_handshake: own.func('int SSL_do_handshake(uintptr_t)'),
    SSL_read: own.func('int SSL_read(uintptr_t, uintptr_t, int)'),
    SSL_write: own.func('int SSL_write(uintptr_t, uintptr_t, int)'),
    SSL_shutdown: own.func('int SSL_shutdown(uintptr_t)'),
    SSL_get_error: own.func('int SSL_get_error(uintptr_t, int)'),
    SSL_get_version: own.func('str SSL_get_version(uintptr_t)'),
    SSL_get_current_cipher: own.func('uintptr_t SSL_get_current_cipher(uintptr_t)'),
    SSL_CIPHER_get_name: own.func('str SSL_CIPHER_get_name(uintptr_t)'),
    SSL_session_reused: own.func('int SSL_session_reused(uintptr_t)'),
    SSL_get1_peer_certificate: own.func('uintptr_t SSL_get1_peer_certificate(uintptr_t)'),
    SSL_get_verify_result: own.func('long SSL_get_verify_result(uintptr_t)'),
    copyTo: own.func('memmove', 'uintptr_t', ['uintptr_t', 'void*', 'size_t']),
    /** Functions of C for ours, for as long as the thread lives: they are called within other calls, on this thread. */
    alpnCallback: (take: (ssl: number, chosen: number, length: number) => number) =>
      koffi.register(take, koffi.pointer(select)),
    verifyCallback: (take: () => number) => koffi.register(take, koffi.pointer(verify)),
  };
}

export type OpenSsl = ReturnType<typeof load>;

let loaded: OpenSsl | false | undefined;

/** Undefined where the process does not show its OpenSSL, or has one of another kind. */
export function openssl(): OpenSsl | undefined {
  if (loaded === undefined) {
    try {
      loaded = /^3\./.test(process.versions.openssl) && load();
    } catch {
      loaded = false;
    }
  }
  return loaded || undefined;
}
