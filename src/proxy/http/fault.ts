/** Why a message was refused: the status Envoy answers and its response code details. */
export interface HeadFault {
  readonly status: number;
  readonly details: string;
}

const fault = (status: number, details: string): HeadFault => ({ status, details });

export const CODEC_ERROR = fault(400, 'http1.codec_error');
export const INVALID_CHARACTERS = fault(400, 'http1.invalid_characters');
export const UNDERSCORE = fault(400, 'http1.unexpected_underscore');
export const LENGTH_AND_CHUNKED = fault(400, 'http1.content_length_and_chunked_not_allowed');
export const BAD_CONNECTION = fault(400, 'http1.connection_header_rejected');
export const BODY_DISALLOWED = fault(400, 'http1.body_disallowed');
export const INVALID_URL = fault(400, 'http1.invalid_url');
export const INVALID_SCHEME = fault(400, 'http1.invalid_scheme');
export const INVALID_AUTHORITY = fault(400, 'http.invalid_authority');
export const LOW_VERSION = fault(426, 'low_version');
export const TOO_LARGE = fault(431, 'http1.headers_too_large');
export const TOO_MANY = fault(431, 'http1.too_many_headers');
export const BAD_ENCODING = fault(501, 'http1.invalid_transfer_encoding');
/** Of responses. */
export const LENGTH_NOT_ALLOWED = fault(502, 'http1.content_length_not_allowed');
export const ENCODING_NOT_ALLOWED = fault(502, 'http1.transfer_encoding_not_allowed');
