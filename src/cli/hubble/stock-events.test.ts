import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after } from 'node:test';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { serveGrpc } from '../../hubble/index.ts';
import {
  type GetAgentEventsResponse,
  type GetDebugEventsResponse,
  readJson,
  serviceDefinition,
} from '../../model/flow/index.ts';
import { argumentsOf, compareWithStock, type StockCase, testing, whole } from './testing/stock.ts';

// The stock command prints such events from a server alone; ours prints them from a recording, too, and must print the same.

const file = path.join(testing, 'events.jsonl');
const events = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const read = readJson<GetAgentEventsResponse & GetDebugEventsResponse>('observer.ExportEvent', line);
    if (!read.ok) throw new Error(read.error);
    return read.value.message;
  });

/** Sends all events of a kind, whatever is asked for. */
function sendAll(call: ServerWritableStream<object, object>, kind: 'agent_event' | 'debug_event'): void {
  for (const event of events) if (event[kind]) call.write(event);
  call.end();
}

const definition = serviceDefinition('observer.Observer');
const serving = await serveGrpc(
  [
    {
      definition,
      implementation: {
        ...Object.fromEntries(Object.keys(definition).map((method) => [method, () => {}])),
        GetAgentEvents: (call: ServerWritableStream<object, object>) => sendAll(call, 'agent_event'),
        GetDebugEvents: (call: ServerWritableStream<object, object>) => sendAll(call, 'debug_event'),
      },
    },
  ],
  { host: '127.0.0.1', port: 0 },
);
after(() => serving.close());
const server = ['--server', `127.0.0.1:${serving.port}`];

const printed = [
  '',
  '-o compact --print-node-name',
  '-o dict',
  '-o dict --print-node-name',
  '-o table',
  '-o table --print-node-name',
  '-o json',
  '-o jsonpb',
  '--time-format RFC3339Nano',
];

const cases = (['agent-events', 'debug-events'] as const).flatMap((command) =>
  printed.map((text): StockCase => {
    const argv = ['observe', command, ...server, ...argumentsOf(text)];
    const recorded = ['observe', command, '--input-file', file, ...argumentsOf(text)];
    return { name: `${command} ${text}`, argv, ours: [argv, recorded], read: whole };
  }),
);

await compareWithStock('stock-events.json', cases);
