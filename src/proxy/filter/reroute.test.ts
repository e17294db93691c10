import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestHead, ResponseHead } from '../http/head.ts';
import { StreamInfo } from '../http/stream-info.ts';
import { FilterChain } from './chain.ts';
import type { FilterControl, FilterStream, HeadVerdict, HttpFilter } from './filter.ts';
import { FilterRun } from './run.ts';

/** A filter that says what it is told of by its name and the route's. */
const told = (name: string, seen: string[], head: (control: FilterControl) => HeadVerdict): HttpFilter => ({
  type: 't',
  bind: ([route = 'own']) => ({
    begin: (_, control) => ({
      request: {
        head: () => {
          seen.push(`${name} ${String(route)}`);
          return head(control);
        },
      },
      response: {
        head: () => {
          seen.push(`${name} ${String(route)} answers`);
          return 'continue';
        },
      },
      onEnd: () => void seen.push(`${name} ${String(route)} ends`),
    }),
  }),
});

/** A route that says something about filters, and has one of them off. */
function routeSaying(value: string, off?: string): NonNullable<FilterStream['route']> {
  const said = ['a', 'b', 'c', 'd'].map(
    (name) => [name, { disabled: off === name || undefined, type: 't', value }] as const,
  );
  return { filters: [new Map(said)] } as unknown as NonNullable<FilterStream['route']>;
}

test('filters behind one that finds another route are as that has them, those that were off stay off', () => {
  const seen: string[] = [];
  const pass = (): HeadVerdict => 'continue';
  const reroute = (control: FilterControl): HeadVerdict => {
    control.reroute();
    return 'continue';
  };
  const filters = [told('a', seen, pass), told('b', seen, reroute), told('c', seen, pass), told('d', seen, pass)];
  const chain = new FilterChain(
    ['a', 'b', 'c', 'd'].map((name, at) => ({ name, disabled: false, cell: { filter: filters[at] } })),
    [],
  );
  const before = routeSaying('before', 'd');
  const after = routeSaying('after', 'c');
  const peer = { address: '10.0.0.1', port: 1 };
  const stream: FilterStream = Object.assign(new StreamInfo({ remote: peer, directRemote: peer, local: peer }), {
    head: new RequestHead(),
    route: before,
    routeCluster: '',
    localCluster: '',
    connection: {},
    reply: () => undefined,
    reroute: () => Object.assign(stream, { route: after }).route,
  });
  const end = (side: string) => ({
    head: () => void seen.push(side),
    body: () => undefined,
    throttle: () => undefined,
    trailers: undefined,
    onTooLarge: () => undefined,
  });
  const run = new FilterRun(stream, chain.plan(before), { request: end('request'), response: end('response') }, 10);
  run.request.head(stream.head, true);
  run.response.head(new ResponseHead(), true);
  run.end();
  assert.deepEqual(seen, [
    ...['a before', 'b before', 'c after', 'request'],
    ...['c after answers', 'b before answers', 'a before answers', 'response'],
    ...['a before ends', 'b before ends', 'c after ends'],
  ]);
});
