import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { processTree, residentMemory } from '../processes.ts';
import { benchHost } from './load.ts';
import type { Program } from './programs.ts';

const SETTLE_MS = 1_500;
const AT_ONCE = 50;

/** KiB that a program keeps for each connection that was answered once and then idles. */
export async function idleMemory({ pid, port }: Program, connections: number): Promise<number> {
  const pids = processTree(pid);
  const before = residentMemory(pids);
  const sockets: net.Socket[] = [];
  try {
    while (sockets.length < connections) {
      sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => answeredOnce(port)))));
    }
    await sleep(SETTLE_MS);
    return ((residentMemory(pids) - before) * 1024) / sockets.length;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function answeredOnce(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      socket.pause();
      resolve(socket);
    });
    socket.write(`GET /api/v1/small HTTP/1.1\r\nhost: ${benchHost}\r\n\r\n`);
  });
}
