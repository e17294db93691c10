import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import type { ThreadData } from './protocol.ts';

// The entry of a worker thread. Everything else is loaded after the cache is on, so that it comes compiled.
const data = workerData as ThreadData;
if (data.compileCache !== undefined) enableCompileCache(data.compileCache);
const { runThread } = await import('./thread-loop.ts');
await runThread(data);
