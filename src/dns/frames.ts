import type net from 'node:net';

/** A DNS message with its two-byte length, as TCP carries it. */
export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}

/** Most that waits to be sent to a client that does not read. */
const backlogMax = 256 * 1024;

/** Sends a message; a client that asks and does not read its answers is cut off. */
export function writeFrame(socket: net.Socket, message: Buffer): void {
  if (!socket.writable) return;
  socket.write(frame(message));
  if (socket.writableLength > backlogMax) socket.destroy();
}

/** Calls `onMessage` for each whole message that arrives. Holds at most one incomplete message, 64 KiB. */
export function readFrames(socket: net.Socket, onMessage: (message: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 2 && !socket.destroyed) {
      const end = 2 + held.readUInt16BE(0);
      if (held.length < end) return;
      const message = held.subarray(2, end);
      held = held.subarray(end);
      onMessage(message);
    }
  });
}
