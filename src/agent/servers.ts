import { rmSync } from 'node:fs';
import { type GrpcService, type GrpcServing, serveGrpc } from '../hubble/index.ts';

/** Serves gRPC on a Unix socket, replacing what an agent before left at its path. Rejects when the path cannot be had. */
export function serveOnSocket(path: string, services: readonly GrpcService[]): Promise<Pick<GrpcServing, 'close'>> {
  rmSync(path, { force: true });
  return serveGrpc(services, { path });
}
