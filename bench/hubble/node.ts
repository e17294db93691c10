import { randomUUID } from 'node:crypto';
import { buildFlow, createObserver, observerServices, serveGrpc } from '../../src/hubble/index.ts';
import type { HttpEvent, PacketEvent } from '../../src/model/flow/index.ts';
import { benchLookups, httpEvent, packetEvent } from './events.ts';

/**
 * One node's Observer under a steady stream of events, of which every fifth flow is of HTTP. Says its port, then for each line read, a rate and
 * a number of flows, how many it made and what it used.
 */
const tickMs = 1;
/** Flows of one turn of the event loop: a datagram of the packet log holds 32 packets, and a few wait when the loop was busy. */
const mostAtOnce = 256;
const nowNs = (): bigint => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n;
const observer = createObserver({ nodeName: 'bench/node', version: 'bench', now: nowNs });
/** Made before, so that only what an agent does is measured. */
const kinds = 4096;
const packets = Array.from({ length: kinds }, (_, number) => packetEvent(number, 0n));
const requests = Array.from({ length: kinds }, (_, number) => httpEvent(number, 0n));
const lookups = benchLookups('bench/node');
const peers = { list: () => [], subscribe: () => () => {} };
const serving = await serveGrpc(observerServices(observer, peers), { host: '127.0.0.1', port: 0 });
console.log(JSON.stringify({ port: serving.port }));

process.stdin.on('data', (line: Buffer) => {
  const [rate = 0, total = 0] = line.toString().split(' ').map(Number);
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let sent = 0;
  let number = 0;
  const turn = (): void => {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1_000) * rate), sent + mostAtOnce);
    for (; sent < due; number++) {
      // An answered request is two flows, so one event in nine makes a fifth of them.
      for (const flow of buildFlow(eventOf(number, nowNs()), lookups, randomUUID)) {
        observer.push(flow);
        sent++;
      }
    }
    const behind = Math.floor(((performance.now() - startedAt) / 1_000) * rate) - sent;
    if (sent < total) return void (behind >= mostAtOnce ? setImmediate(turn) : setTimeout(turn, tickMs));
    const { user, system } = process.cpuUsage(before);
    const seconds = (performance.now() - startedAt) / 1_000;
    console.log(JSON.stringify({ sent, seconds, share: (user + system) / 1e6 / seconds }));
  };
  turn();
});

function eventOf(number: number, timeNs: bigint): PacketEvent | HttpEvent {
  if (number % 9 === 0) return { ...(requests[number % kinds] as HttpEvent), startNs: timeNs };
  return { ...(packets[number % kinds] as PacketEvent), timeNs };
}
