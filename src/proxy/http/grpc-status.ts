import type { HeaderMap } from './headers.ts';
import type { StreamInfo } from './stream-info.ts';

const UNKNOWN = 2;
const BY_HTTP_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

/** Whether a content type is gRPC's: `application/grpc` alone, or with a suffix after `+`. */
export function isGrpcType(type: string | undefined): boolean {
  return type === 'application/grpc' || (type?.startsWith('application/grpc+') ?? false);
}

/** The gRPC status code that stands for an HTTP status. */
export function grpcCodeOf(status: number): number {
  return BY_HTTP_STATUS[status] ?? UNKNOWN;
}

/** A text as `grpc-message` has it. */
export function percentEncode(text: string): string {
  return text.replace(
    /[^\x20-\x24\x26-\x7d]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Number in `grpc-status`, -1 for one that is none; undefined when there is none. */
export function grpcStatusIn(headers: HeaderMap): number | undefined {
  const text = headers.get('grpc-status');
  if (text === undefined || text === '') return undefined;
  return /^\d{1,10}$/.test(text) ? Number(text) : INVALID;
}

/** What stands for a `grpc-status` that is no number. */
const INVALID = -1;

/** The `grpc-status` of a response's trailers or headers, else the code that stands for its HTTP status; undefined without a response. */
export function grpcStatusOf({ responseTrailers, response, status }: StreamInfo): number | undefined {
  const text = responseTrailers?.get('grpc-status') || response?.headers.get('grpc-status');
  if (text) return /^\d+$/.test(text) ? Number(text) : INVALID;
  return status === 0 ? undefined : grpcCodeOf(status);
}
