import { rmSync } from 'node:fs';
import net from 'node:net';
import { type GrpcService, type GrpcServing, serveGrpc } from '../hubble/index.ts';

/** Serves gRPC on a Unix socket, replacing what an agent before left at its path. Rejects when the path cannot be had. */
export async function serveOnSocket(
  path: string,
  services: readonly GrpcService[],
): Promise<Pick<GrpcServing, 'close'>> {
  rmSync(path, { force: true });
  const listener = net.createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(path, resolve);
  });
  const serving = await serveGrpc(services, { listener });
  return {
    close: async () => {
      await serving.close();
      listener.close();
    },
  };
}
