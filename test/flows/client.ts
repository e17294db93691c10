import net from 'node:net';
import type { Exchange } from './table.ts';
import { addresses } from './world.ts';

const answerMs = 5000;

/** Plays the client's part, and gives what came back before the connection was over. */
export function exchange({ from, to, port = 8080, bytes, upgraded = false }: Exchange): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect({ host: addresses[to], port, localAddress: addresses[from] });
    const timer = setTimeout(() => socket.destroy(), answerMs);
    socket.on('data', (part) => {
      text += part.toString('latin1');
      if (isWhole(text, upgraded)) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
  });
}

/** Whether the answer has come: its end need not be waited for. */
function isWhole(text: string, upgraded: boolean): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const head = text.slice(0, end);
  const length = /^content-length: (\d+)/m.exec(head)?.[1];
  if (length !== undefined) return text.length - end - 4 >= Number(length);
  return upgraded || text.endsWith('0\r\n\r\n') || !/^transfer-encoding:/m.test(head);
}
