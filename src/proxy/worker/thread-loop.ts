import { parentPort } from 'node:worker_threads';
import { countHosts } from '../cluster/host-counts.ts';
import { readMessage } from '../config/fields.ts';
import { createLogs } from '../log/logs.ts';
import { adminRuntime, readRuntime } from '../runtime/read.ts';
import { closeTransport, useTransport } from '../transport/channels.ts';
import { createEngine, type Engine } from './engine.ts';
import { createLogForwarder } from './log-forwarder.ts';
import type { Answer, Request, ThreadData, ThreadMessage } from './protocol.ts';

/** Serves the main thread's requests one after the other until it ends this thread. */
export async function runThread(data: ThreadData): Promise<void> {
  const port = parentPort;
  if (!port) throw new Error('not a worker thread');
  const send = (message: ThreadMessage): void => port.postMessage(message);
  const logs = createLogs('info');
  for (const [component, level] of data.logLevels) logs.set(component, level);
  const forwarder = createLogForwarder((config, entries, count) => send({ kind: 'log', config, entries, count }));
  if (!useTransport(data.transport)) useTransport('streams');
  const runtime = data.runtime ? readMessage(data.runtime, '', [], readRuntime) : adminRuntime();
  const engine = createEngine({
    worker: data.worker,
    workers: data.workers,
    node: data.node,
    bindConfig: data.bindConfig,
    runtime,
    logs,
    drain: data.drain,
    overload: data.overload,
    inherited: data.inherited,
    logFlushMs: data.logFlushMs,
    moduleFolders: data.moduleFolders,
    fixedSecrets: data.fixedSecrets,
    ticketSeed: Buffer.from(data.ticketSeed),
    logSink: forwarder,
  });
  let last: Promise<unknown> = Promise.resolve();
  port.on('message', ({ id, request }: { readonly id: number; readonly request: Request }) => {
    const work = last.then(async () => {
      const answer = await serve(engine, request);
      if (request.kind === 'stop') {
        forwarder.flush();
        closeTransport();
      }
      send({ kind: 'answer', id, answer });
    });
    last = work;
  });
  send({ kind: 'ready' });
}

async function serve(engine: Engine, request: Request): Promise<Answer> {
  switch (request.kind) {
    case 'apply': {
      const issues = [];
      for (const change of request.changes) issues.push(await engine.apply(change));
      await engine.settle();
      return { issues };
    }
    case 'stats':
      return { samples: engine.stats.read() };
    case 'descriptors':
      return { descriptors: engine.listeners.all().flatMap((listener) => listener.descriptors()) };
    case 'hostCounts':
      return { hostCounts: countHosts(engine.clusters) };
    case 'command':
      await engine.command(request.command);
      return {};
    case 'stop':
      await engine.stop(request.drainMs);
      return {};
  }
}
