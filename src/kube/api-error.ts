/** A Kubernetes Status as the API server answers failures. */
export interface Status {
  readonly status?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly group?: string;
    readonly uid?: string;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

/**
 * Why a request failed. From the server: `code` is the HTTP status, `reason` the Status' reason (`NotFound`, `Conflict`, …).
 * Without an answer: `code` is 0 and `reason` is `Unreachable`, `Timeout`, `Aborted`, `Credentials` or `BadResponse`.
 */
export interface ApiError {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly status?: Status;
}

export function localError(reason: string, message: string): ApiError {
  return { code: 0, reason, message };
}

/** The error in an HTTP answer: its Status when it carries one, otherwise the start of its text. */
export function errorFromBody(code: number, body: string): ApiError {
  const status = parseStatus(body);
  const text = body.trim().slice(0, 500);
  return {
    code,
    reason: status?.reason ?? reasonOfCode(code),
    message: status?.message ?? (text === '' ? `the server answered HTTP ${code}` : text),
    ...(status ? { status } : {}),
  };
}

/** The Status in a JSON text, or undefined when it is something else. */
export function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isStatus = typeof value === 'object' && value !== null && 'status' in value;
    return isStatus ? (value as Status) : undefined;
  } catch {
    return undefined;
  }
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function reasonOfCode(code: number): string {
  return reasons[code] ?? 'Unknown';
}

/** One line as kubectl prints it: `Error from server (NotFound): pods "x" not found`. */
export function formatApiError(error: ApiError): string {
  return error.code === 0 ? `Error: ${error.message}` : `Error from server (${error.reason}): ${error.message}`;
}
