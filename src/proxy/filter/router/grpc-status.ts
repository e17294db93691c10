/** Envoy's `Grpc::Utility::grpcToHttpStatus`: by it outlier detection and host counters judge a gRPC response. */
const HTTP: Readonly<Record<number, number>> = {
  0: 200,
  1: 499,
  2: 500,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  13: 500,
  14: 503,
  15: 500,
  16: 401,
};

export function grpcToHttp(status: number): number {
  return HTTP[status] ?? 500;
}
