import type net from 'node:net';
import { MOST_LINE_BYTES } from './messages.ts';

/** Reads lines of JSON; what is none, or too long, ends the connection. */
export function readLines(socket: net.Socket, take: (message: unknown) => void): void {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (part: string) => {
    text += part;
    if (text.length > MOST_LINE_BYTES) socket.destroy();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const line = text.slice(0, end);
      text = text.slice(end + 1);
      try {
        take(JSON.parse(line));
      } catch {
        socket.destroy();
        return;
      }
    }
  });
}

export function writeLine(socket: net.Socket, message: unknown): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}
