import { once } from 'node:events';
import net from 'node:net';
import { createConnectionGuard, type ServerSecurity } from './guard.ts';
import type { GrpcService } from './services.ts';

/** Where to serve: an address to bind (port 0 picks one), a Unix socket to make, or an inherited descriptor that listens. */
export type ServePlace =
  | { readonly host: string; readonly port: number }
  | { readonly path: string }
  | { readonly fd: number };

export interface GrpcServing {
  readonly port: number;
  /** How connections are taken from now on; those that were taken otherwise end. */
  readonly use: (security: ServerSecurity) => void;
  /** Ends every call and stops; resolves when nothing is left. */
  readonly close: () => Promise<void>;
}

/** Of a connection at a time, answered or not; a client holds further ones back. */
const mostCalls = 600;

/** Serves gRPC, in plain text unless told otherwise; connections are left to `relayAddress`, however many others there are. Rejects when the place cannot be had. */
export async function serveGrpc(
  services: readonly GrpcService[],
  place: ServePlace,
  security: ServerSecurity = { kind: 'plain' },
  relayAddress?: string,
): Promise<GrpcServing> {
  const grpc = await import('@grpc/grpc-js');
  const server = new grpc.Server({
    'grpc.max_receive_message_length': 1024 * 1024,
    'grpc.max_concurrent_streams': mostCalls,
  });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  // TLS is the guard's: what it hands on is served as it is.
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const guard = createConnectionGuard(security, (socket) => injector.injectConnection(socket), relayAddress);
  const listener = net.createServer(guard.accept).listen(place);
  await once(listener, 'listening');
  // A connection that cannot be accepted ends alone.
  listener.on('error', () => {});
  const address = listener.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    use: guard.use,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      injector.destroy();
      server.forceShutdown();
      guard.close();
      await closed;
    },
  };
}
