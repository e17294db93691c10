/** gRPC status codes that this room answers with. */
export const RpcCode = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
} as const;

/** Why a call is refused; `details` is the text that users see. */
export interface RpcError {
  readonly code: number;
  readonly details: string;
}

export function invalidArgument(details: string): RpcError {
  return { code: RpcCode.INVALID_ARGUMENT, details };
}

/** What the original fails with a bare error, which gRPC sends as UNKNOWN: filters and field masks. */
export function bareError(details: string): RpcError {
  return { code: RpcCode.UNKNOWN, details };
}

export function unimplemented(method: string): RpcError {
  return { code: RpcCode.UNIMPLEMENTED, details: `${method} not yet implemented` };
}
