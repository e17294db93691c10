import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { type MockTimers, test } from 'node:test';
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
  await writeFlows(response, flowsOf(50_000), { lossless: false, last: 1_000 });
  const text = read();
  const told = [...text.matchAll(/event: lost\ndata: \{"browser":(\d+)/g)].at(-1);
  const came = text.match(/"uuid"/g)?.length ?? 0;
  assert.ok(Number(told?.[1]) > 0, 'nothing is told as lost');
  assert.equal(Number(told?.[1]) + came, 50_000);
});

/** Flows of before that take 60 ms to come, and a source that is silent then. */
function slowlyOpened(timers: MockTimers, count: number, end: Promise<void>): OpenFlows {
  return {
    cancel: () => {},
    async *[Symbol.asyncIterator](): AsyncGenerator<GetFlowsResponse> {
      for (let index = 0; index < count; index++) {
        if (index > 0 && index % (count / 4) === 0) timers.tick(15);
        yield { flow: { uuid: String(index) } };
      }
      await end;
    },
  };
}

for (const { name, last, silenceMs } of [
  { name: 'as soon as all are there', last: 400, silenceMs: 0 },
  { name: 'after a silence when there are fewer than were asked for', last: 1_000, silenceMs: 50 },
]) {
  test(`flows of before the page are written in one piece, ${name}`, async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const { response, read } = stuckBrowser();
    const end = Promise.withResolvers<void>();
    const written = writeFlows(response, slowlyOpened(mock.timers, 400, end.promise), { lossless: false, last });
    await turn();
    mock.timers.tick(silenceMs);
    const text = read();
    assert.equal(text.match(/"uuid"/g)?.length, 400);
    assert.equal(text.match(/event: flows/g)?.length, 1);
    end.resolve();
    await written;
  });
}

test('a recording waits for the browser and loses nothing', async () => {
  const { response, read } = stuckBrowser();
  let text = '';
  const stream = response as unknown as PassThrough;
  const written = writeFlows(response, flowsOf(20_000), { lossless: true, last: 1_000 });
  await turn();
  stream.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  await written;
  text += read();
  assert.equal(text.match(/"uuid"/g)?.length, 20_000);
  assert.doesNotMatch(text, /event: lost/);
});
