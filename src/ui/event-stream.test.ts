import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { GetFlowsResponse } from '../model/flow/index.ts';
import { writeFlows } from './event-stream.ts';
import type { OpenFlows } from './source.ts';

/** A browser that reads nothing until it is told to. */
function stuckBrowser(): { readonly response: ServerResponse; readonly read: () => string } {
  const stream = new PassThrough({ highWaterMark: 1024 });
  return { response: stream as unknown as ServerResponse, read: () => String(stream.read() ?? '') };
}

function flowsOf(count: number): OpenFlows {
  return {
    cancel: () => {},
    async *[Symbol.asyncIterator](): AsyncGenerator<GetFlowsResponse> {
      for (let index = 0; index < count; index++) {
        if (index % 500 === 0) await turn();
        yield { flow: { uuid: String(index) } };
      }
    },
  };
}

test('flows that a live browser does not take are counted and not kept', async () => {
  const { response, read } = stuckBrowser();
  await writeFlows(response, flowsOf(50_000), false);
  const text = read();
  const told = [...text.matchAll(/event: lost\ndata: \{"browser":(\d+)/g)].at(-1);
  const came = text.match(/"uuid"/g)?.length ?? 0;
  assert.ok(Number(told?.[1]) > 0, 'nothing is told as lost');
  assert.equal(Number(told?.[1]) + came, 50_000);
});

test('a recording waits for the browser and loses nothing', async () => {
  const { response, read } = stuckBrowser();
  let text = '';
  const stream = response as unknown as PassThrough;
  const written = writeFlows(response, flowsOf(20_000), true);
  await turn();
  stream.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await written;
  text += read();
  assert.equal(text.match(/"uuid"/g)?.length, 20_000);
  assert.doesNotMatch(text, /event: lost/);
});
