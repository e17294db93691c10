import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHead, ResponseHead } from '../http/head.ts';
import { HeaderMap } from '../http/headers.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { FilterChain } from './chain.ts';
import type {
  BoundFilter,
  FilterControl,
  FilterHooks,
  FilterSlot,
  FilterStream,
  HeadVerdict,
  Hooks,
  HttpFilter,
} from './filter.ts';
import { hooksPassed, hooksPassedBack, passHead } from './pass.ts';
import { FilterRun } from './run.ts';

const peer = { address: '10.0.0.1', port: 1 };

function streamOf(): FilterStream {
  const info = new StreamInfo({ remote: peer, directRemote: peer, local: peer });
  return Object.assign(info, {
    head: new RequestHead(),
    route: undefined,
    routeCluster: '',
    localCluster: '',
    connection: {},
    reply: () => undefined,
  });
}

const filterOf = (bound: BoundFilter | undefined, type = 't'): HttpFilter => ({ type, bind: () => bound });
const slot = (name: string, filter: HttpFilter | undefined, disabled = false): FilterSlot => ({
  name,
  disabled,
  cell: { filter },
});
const begins = (hooks: (control: FilterControl) => FilterHooks): BoundFilter & { readonly shared?: undefined } => ({
  begin: (_, control) => hooks(control),
});

interface Trace {
  readonly run: FilterRun;
  readonly seen: string[];
  body(text: string, done?: boolean): void;
}

/** A run whose ends note what reaches them. */
function start(filters: readonly BoundFilter[], limit = 10, trailers?: HeaderMap): Trace {
  const seen: string[] = [];
  const end = (side: string) => ({
    head: (_: unknown, done: boolean) => void seen.push(`${side} head${done ? '.' : ''}`),
    body: (bytes: Buffer, from: number, to: number, done: boolean) =>
      void seen.push(`${side} ${bytes.toString('latin1', from, to)}${done ? '.' : ''}`),
    throttle: (on: boolean) => void seen.push(`${side} ${on ? 'stop' : 'go'}`),
    trailers,
    onTooLarge: () => void seen.push(`${side} too large`),
  });
  const chain = new FilterChain(
    filters.map((bound, at) => slot(String(at), filterOf(bound))),
    [],
  );
  const run = new FilterRun(
    streamOf(),
    chain.plan(undefined),
    { request: end('request'), response: end('response') },
    limit,
  );
  const body = (text: string, done = false): void => {
    const bytes = Buffer.from(`<${text}>`);
    run.request.body(bytes, 1, bytes.length - 1, done);
  };
  return { run, seen, body };
}

const noting = (name: string, seen: string[]): BoundFilter => {
  const hooks = (side: string): Hooks<unknown> => ({
    head: (_, __, done) => {
      seen.push(`${name} ${side}${done ? '.' : ''}`);
      return 'continue';
    },
  });
  return { shared: { request: hooks('request'), response: hooks('response') } };
};

test('requests pass the chain forwards, responses backwards', () => {
  const seen: string[] = [];
  const { run } = start([noting('a', seen), noting('b', seen)]);
  run.request.head(new RequestHead(), true);
  run.response.head(new ResponseHead(), false);
  assert.deepEqual(seen, ['a request.', 'b request.', 'b response', 'a response']);
});

test('trailers pass the chain after the last piece of body, when nothing is held any more', () => {
  const trailers = new HeaderMap();
  trailers.add('t', '1');
  const seen: string[] = [];
  let control: FilterControl | undefined;
  const shows = (name: string): BoundFilter => ({
    shared: { request: { trailers: (_, fields) => void seen.push(`${name} ${fields.get('t')}`) } },
  });
  const holds = begins((own) => {
    control = own;
    return { request: { body: () => 'hold' } };
  });
  const run = start([shows('a'), holds, shows('b')], 10, trailers);
  run.run.request.head(new RequestHead(), false);
  run.body('1');
  run.body('2', true);
  assert.deepEqual(seen, []);
  control?.resumeRequest();
  assert.deepEqual(seen, ['a 1', 'b 1']);
  assert.deepEqual(run.seen, ['request head', 'request 12.']);
  const plain = start([shows('c')], 10, trailers);
  plain.run.request.head(new RequestHead(), false);
  plain.body('1');
  assert.deepEqual(seen.splice(0), ['a 1', 'b 1']);
  plain.body('', true);
  assert.deepEqual(seen, ['c 1']);
});

test('a head that is stopped takes the body with it, and reading stops when too much is held', () => {
  let control: FilterControl | undefined;
  const filter = begins((own) => {
    control = own;
    return { request: { head: () => 'stop' } };
  });
  const { run, seen, body } = start([filter]);
  run.request.head(new RequestHead(), false);
  body('12345');
  assert.deepEqual(seen, []);
  body('678901', true);
  assert.deepEqual(seen, ['request stop']);
  control?.resumeRequest();
  control?.resumeRequest();
  assert.deepEqual(seen, ['request stop', 'request go', 'request head', 'request 12345678901.']);
});

test('a body that is collected goes on in one piece, or is too large', () => {
  const collect = begins(() => ({
    request: {
      head: (_, __, done) => (done ? 'continue' : 'collect'),
      body: (_, { done }) => (done ? 'continue' : 'buffer'),
    },
  }));
  const notes: string[] = [];
  const { run, seen, body } = start([collect, noting('b', notes)]);
  run.request.head(new RequestHead(), false);
  body('abc');
  body('def');
  assert.deepEqual([seen, notes], [[], []]);
  body('g', true);
  assert.deepEqual([seen, notes], [['request head', 'request abcdefg.'], ['b request']]);

  const large = start([collect]);
  large.run.request.head(new RequestHead(), false);
  large.body('12345678901');
  assert.deepEqual(large.seen, ['request too large']);

  const short = start([collect]);
  short.run.request.head(new RequestHead(), true);
  assert.deepEqual(short.seen, ['request head.']);
});

test('a filter may change the body and hold pieces after the head has gone', () => {
  let control: FilterControl | undefined;
  let holds = true;
  const filter = begins((own) => {
    control = own;
    return {
      request: {
        body: (_, piece) => {
          piece.bytes = Buffer.from(piece.bytes.toString('latin1').toUpperCase());
          return holds ? 'hold' : 'continue';
        },
      },
    };
  });
  const { run, seen, body } = start([filter]);
  run.request.head(new RequestHead(), false);
  body('ab');
  assert.deepEqual(seen, ['request head']);
  holds = false;
  body('cd');
  holds = true;
  body('ef', true);
  control?.resumeRequest();
  assert.deepEqual(seen, ['request head', 'request ABCD', 'request EF.']);
});

test('two filters may hold at once', () => {
  const controls: FilterControl[] = [];
  const holder = begins((own) => {
    controls.push(own);
    return { request: { head: () => 'stop' } };
  });
  const { run, seen, body } = start([holder, holder]);
  run.request.head(new RequestHead(), false);
  body('a');
  controls[0]?.resumeRequest();
  assert.deepEqual(seen, []);
  body('b', true);
  controls[1]?.resumeRequest();
  assert.deepEqual(seen, ['request head', 'request ab.']);
});

test('after the end nothing goes on and every filter of the request hears of it', () => {
  let control: FilterControl | undefined;
  let ends = 0;
  const filter = begins((own) => {
    control = own;
    return {
      request: { head: () => 'stop' },
      onEnd: () => {
        ends++;
      },
    };
  });
  const { run, seen, body } = start([filter]);
  run.request.head(new RequestHead(), false);
  run.end();
  run.end();
  control?.resumeRequest();
  body('a', true);
  assert.deepEqual([seen, ends], [[], 1]);
});

test('a slot is off where the most specific level that speaks of it says so', () => {
  const bound: BoundFilter = { shared: {} };
  const level = (
    disabled: boolean | undefined,
  ): ReadonlyMap<string, { disabled: boolean | undefined; type: string; value: unknown }> =>
    new Map([['a', { disabled, type: 't', value: disabled }]]);
  const table: readonly (readonly [boolean, readonly (boolean | undefined)[], boolean])[] = [
    [false, [], true],
    [true, [], false],
    [true, [false], true],
    [false, [true, false], false],
    [false, [false, true], true],
  ];
  for (const [disabled, levels, on] of table) {
    const chain = new FilterChain([slot('a', filterOf(bound), disabled)], []);
    const plan = chain.plan({ filters: levels.map(level) });
    assert.deepEqual(plan.filters, [on ? bound : undefined], `${disabled} ${JSON.stringify(levels)}`);
  }
});

test('what a route says about a filter of another type is not its business', () => {
  let got: readonly unknown[] = [];
  const filter: HttpFilter = {
    type: 't',
    bind: (overrides) => {
      got = overrides;
      return undefined;
    },
  };
  const say = (type: string, value: string): ReadonlyMap<string, { disabled: boolean; type: string; value: unknown }> =>
    new Map([['a', { disabled: false, type, value }]]);
  new FilterChain([slot('a', filter)], []).plan({ filters: [say('u', '1'), say('t', '2'), say('t', '3')] });
  assert.deepEqual(got, ['2', '3']);
});

test('a discovered filter takes effect with the next request', () => {
  const cell: { filter: HttpFilter | undefined } = { filter: undefined };
  const chain = new FilterChain([{ name: 'a', disabled: false, cell }], [cell]);
  assert.equal(chain.plan(undefined).headsOnly?.length, 1);
  cell.filter = filterOf(undefined);
  assert.deepEqual(chain.plan(undefined).headsOnly, []);
});

test('only a chain of shared hooks for heads of requests needs nothing kept of a request', () => {
  const head: Hooks<RequestHead> = { head: () => 'continue' };
  const body: Hooks<RequestHead> = { ...head, body: () => 'continue' };
  const table: readonly (readonly [string, readonly (BoundFilter | undefined)[], number | undefined])[] = [
    ['nothing', [undefined], 0],
    ['heads', [{ shared: { request: head } }, undefined, { shared: {} }, { shared: { request: head } }], 2],
    ['a body', [{ shared: { request: head } }, { shared: { request: body } }], undefined],
    ['a response', [{ shared: { request: head, response: {} } }], undefined],
    ['hooks of its own', [begins(() => ({ request: head }))], undefined],
    ['hooks of its own for few', [{ ...begins(() => ({ request: head })), early: head }, undefined], 1],
  ];
  for (const [name, filters, length] of table) {
    const chain = new FilterChain(
      filters.map((bound, at) => slot(String(at), filterOf(bound))),
      [],
    );
    assert.equal(chain.plan(undefined).headsOnly?.length, length, name);
  }
});

test('heads of responses go back past the hooks that see them where the chain is not at work', () => {
  const hook: Hooks<ResponseHead> = { head: () => 'continue' };
  const last: Hooks<ResponseHead> = { head: () => 'stop' };
  const early = (earlyResponse: Hooks<ResponseHead>): BoundFilter => ({
    ...begins(() => ({})),
    early: {},
    earlyResponse,
  });
  const bound = [early(last), undefined, early(hook), { shared: {} }];
  const chain = new FilterChain(
    bound.map((one, at) => slot(String(at), filterOf(one))),
    [],
  );
  const { headsBack, headsBackAt } = chain.plan(undefined);
  assert.deepEqual(
    [headsBack, headsBackAt],
    [
      [hook, last],
      [1, 3],
    ],
  );
  assert.equal(hooksPassedBack(streamOf(), headsBack, new ResponseHead(), true), 1);
});

test('a filter that stopped the head early has its hooks made, and is the first to see the head', () => {
  const seen: string[] = [];
  const noted = (name: string): Hooks<RequestHead> => ({
    head: () => {
      seen.push(name);
      return 'continue';
    },
  });
  const early = (name: string, verdict: HeadVerdict): BoundFilter => ({
    begin: () => ({ request: noted(`${name} head`) }),
    early: {
      head: () => {
        seen.push(`${name} early`);
        return verdict;
      },
    },
  });
  const bound = [
    undefined,
    early('a', 'continue'),
    { shared: { request: noted('b') } },
    early('c', 'stop'),
    early('d', 'stop'),
  ];
  const chain = new FilterChain(
    bound.map((one, at) => slot(String(at), filterOf(one))),
    [],
  );
  const { headsOnly = [], headsOnlyAt } = chain.plan(undefined);
  const stream = Object.assign(streamOf(), { ended: false, responseStarted: false });
  const past = hooksPassed(stream, headsOnly, new RequestHead(), true);
  const { run } = start(bound.map((one) => one ?? { shared: {} }));
  run.request.head(new RequestHead(), true, headsOnlyAt[past]);
  assert.deepEqual(seen, ['a early', 'b', 'c early', 'c head', 'd head']);
});

test('a head goes past hooks until one stops it or has replied', () => {
  const seen: string[] = [];
  const stream = Object.assign(streamOf(), { ended: false, responseStarted: false });
  const hook = (name: string, verdict: HeadVerdict, started = false): Hooks<RequestHead> => ({
    head: () => {
      seen.push(name);
      stream.responseStarted = started;
      return verdict;
    },
  });
  const pass = (...hooks: readonly Hooks<RequestHead>[]): boolean => {
    seen.length = 0;
    return passHead(stream, hooks, new RequestHead(), true);
  };
  assert.deepEqual([pass(hook('a', 'continue'), hook('b', 'continue')), seen], [true, ['a', 'b']]);
  assert.deepEqual([pass(hook('a', 'stop'), hook('b', 'continue')), seen], [false, ['a']]);
  assert.deepEqual([pass(hook('a', 'continue', true), hook('b', 'continue')), seen], [false, ['a']]);
});
