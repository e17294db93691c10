import type net from 'node:net';
import type { GrpcService } from './services.ts';

/** Where to serve: an address to bind (port 0 picks one), or a server that listens already and whose connections are taken. */
export type ServePlace = { readonly host: string; readonly port: number } | { readonly listener: net.Server };

export interface GrpcServing {
  readonly port: number;
  /** Ends every call and stops; resolves when nothing is left. A listener handed in stays open. */
  readonly close: () => Promise<void>;
}

/** Serves gRPC in plain text. Rejects when the address cannot be bound. */
export async function serveGrpc(services: readonly GrpcService[], place: ServePlace): Promise<GrpcServing> {
  const grpc = await import('@grpc/grpc-js');
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 1024 * 1024 });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const credentials = grpc.ServerCredentials.createInsecure();
  if ('listener' in place) {
    const injector = server.createConnectionInjector(credentials);
    const take = (socket: net.Socket): void => injector.injectConnection(socket);
    place.listener.on('connection', take);
    const address = place.listener.address();
    return {
      port: typeof address === 'object' && address ? address.port : 0,
      close: async () => {
        place.listener.off('connection', take);
        injector.destroy();
        server.forceShutdown();
      },
    };
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${bracketed(place.host)}:${place.port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { port, close: async () => server.forceShutdown() };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
