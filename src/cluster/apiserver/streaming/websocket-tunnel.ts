import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { keepAlive } from './websocket-exec.ts';

/** The bytes of a WebSocket's binary messages as one stream. */
export function websocketTunnel(socket: WebSocket): Duplex {
  const tunnel = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState === socket.OPEN) socket.send(chunk, { binary: true }, () => done());
      else done();
    },
    final(done) {
      socket.close(1000);
      done();
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  socket.on('message', (data) => {
    if (Buffer.isBuffer(data) && !tunnel.push(data)) socket.pause();
  });
  socket.on('close', () => {
    tunnel.push(null);
    tunnel.destroy();
  });
  socket.on('error', () => tunnel.destroy());
  keepAlive(socket);
  return tunnel;
}
