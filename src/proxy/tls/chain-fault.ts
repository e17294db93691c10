import type { OpenSsl } from '../../sys/index.ts';

/** What is wrong with a chain of certificates, as Node has it. */
export interface ChainFault {
  readonly code: string;
  readonly message: string;
}

/** Node's names for the results of verification that OpenSSL numbers from 2 on (openssl/x509_vfy.h). */
const CODES = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'OUT_OF_MEM',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
];
const FIRST_CODE = 2;

/** `result`: of `SSL_get_verify_result`. Undefined: nothing is wrong. */
export function chainFaultOf(openssl: OpenSsl, result: number): ChainFault | undefined {
  if (result === 0) return undefined;
  return { code: CODES[result - FIRST_CODE] ?? 'UNSPECIFIED', message: openssl.X509_verify_cert_error_string(result) };
}
