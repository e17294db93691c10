import http from 'node:http';
import net from 'node:net';
import { addresses } from './world.ts';

/** HTTP on port 8080 of all backends but one, on which nobody listens, and bytes for bytes on ports 443 and 9443. */
export async function startBackends(): Promise<void> {
  const hosts = [addresses.echoSame, addresses.echoOther, addresses.closed];
  await Promise.all(
    hosts.flatMap((host) => [
      listen(httpBackend(), 8080, host),
      ...[443, 9443].map((port) => listen(net.createServer(answerBytes), port, host)),
    ]),
  );
}

function listen(server: net.Server, port: number, host: string): Promise<void> {
  return new Promise((resolve) => server.listen(port, host, resolve));
}

function answerBytes(socket: net.Socket): void {
  socket.on('error', () => undefined).once('data', () => socket.end('bytes'));
}

function httpBackend(): http.Server {
  let failedOnce = false;
  const server = http.createServer((request, response) => {
    request.resume();
    const last = request.url?.split('/').at(-1);
    if (last === 'cut') request.socket.destroy();
    else if (last === 'once' && !failedOnce) {
      failedOnce = true;
      response.writeHead(503).end();
    } else if (last === '500') response.writeHead(500, { 'x-reason': 'asked for' }).end('failed');
    else {
      const headers = { 'content-type': 'text/plain', 'set-cookie': ['a=SECRET-A', 'b=SECRET-B'] };
      response.writeHead(200, headers).end('fine');
    }
  });
  return server.on('upgrade', (_request, socket: net.Socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n');
  });
}
