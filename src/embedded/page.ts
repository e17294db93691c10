import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import net from 'node:net';
import path from 'node:path';
import type { Logger } from '../base/index.ts';
import { readFilterText } from '../hubble/index.ts';
import { createUi, relaySource } from '../ui/index.ts';

export interface PageOptions {
  /** An inherited listening descriptor: the host's loopback. */
  readonly descriptor: number;
  /** Where the relay listens inside. */
  readonly relaySocket: string;
  readonly projectRoot: string;
  readonly log: Logger;
}

/** Serves the page for flows on a socket that the launcher opened. Nothing of it is read before the first connection. */
export async function startPage(options: PageOptions): Promise<{ stop(): void }> {
  const excuse = createServer(answerUnbuilt);
  let page: Server | undefined;
  const listener = net.createServer({ pauseOnConnect: true }, (socket) => {
    page ??= openPage(options);
    (page ?? excuse).emit('connection', socket);
    socket.resume();
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ fd: options.descriptor }, resolve);
  });
  return {
    stop: () => {
      listener.close();
      page?.closeAllConnections();
    },
  };
}

function openPage({ projectRoot, relaySocket, log }: PageOptions): Server | undefined {
  const source = relaySource({ server: `unix:${relaySocket}` }, 'this cluster');
  try {
    return createUi({ page: path.join(projectRoot, 'dist/web'), source, readFilters: readFilterText });
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'the page for flows is not there');
    return undefined;
  }
}

const unbuilt = 'The page is not built. This builds it: node scripts/build-web.mjs\n';

function answerUnbuilt(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(unbuilt);
}
