import { workerData } from 'node:worker_threads';
import { prepareLoading } from '../../loading/index.ts';
import type { ThreadData } from './protocol.ts';

// The entry of a worker thread.
prepareLoading();
const { runThread } = await import('./thread-loop.ts');
await runThread(workerData as ThreadData);
