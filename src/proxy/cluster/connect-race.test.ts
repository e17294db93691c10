import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress } from '../config/address.ts';
import { Transport, type TransportUser, uncounted } from '../transport/transport.ts';
import { ConnectRace, type RaceUser } from './connect-race.ts';
import { PLAIN_EYEBALLS, sortAddresses } from './happy-eyeballs.ts';

const at = (host: string): Address => ({ kind: 'socket', host, port: 1 });
const hosts = (list: readonly Address[]): readonly string[] =>
  list.map((one) => (one.kind === 'socket' ? one.host : ''));

test('addresses of the families take turns', () => {
  const list = ['::1', '::2', '::3', '10.0.0.1', '10.0.0.2'].map(at);
  const sorted = (first: 'DEFAULT' | 'V4' | 'V6', count: number): readonly string[] =>
    hosts(sortAddresses(list, { first, count }));
  assert.deepEqual(hosts(sortAddresses(list, PLAIN_EYEBALLS)), ['::1', '10.0.0.1', '::2', '10.0.0.2', '::3']);
  assert.deepEqual(sorted('V4', 1), ['10.0.0.1', '::1', '10.0.0.2', '::2', '::3']);
  assert.deepEqual(sorted('V6', 2), ['::1', '::2', '10.0.0.1', '::3', '10.0.0.2']);
  assert.deepEqual(sorted('DEFAULT', 9), ['::1', '::2', '::3', '10.0.0.1', '10.0.0.2']);
  const fours = ['10.0.0.1', '10.0.0.2'].map(at);
  assert.deepEqual(hosts(sortAddresses(fours, { first: 'V6', count: 3 })), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(sortAddresses([], PLAIN_EYEBALLS), []);
});

type Fate = 'connects' | 'fails' | 'waits' | 'refused';

/** Runs a race over sockets that only say what the script wants, after so many milliseconds; gives what was told, in order, until it is over or `waitMs` have passed. */
async function race(script: readonly (readonly [fate: Fate, after?: number])[], waitMs = 5000) {
  const told: string[] = [];
  const sockets: net.Socket[] = [];
  const user: RaceUser = {
    onBytes: () => undefined,
    onWritable: () => undefined,
    onRemoteEnd: () => undefined,
    onError: () => undefined,
    onClosed: () => told.push('closed'),
    onAnother: () => told.push('another'),
    onRefused: (error) => told.push(`refused ${String(error)}`),
    onWon: (_transport, address) => told.push(`won ${formatAddress(address)}`),
    onLost: (error) => told.push(`lost ${String(error)}`),
  };
  const open = (one: TransportUser, address: Address): Transport => {
    const number = Number(formatAddress(address).split(':').at(-1));
    const [fate, after = 0] = script[number] as (typeof script)[number];
    if (fate === 'refused') throw new Error(`no ${number}`);
    return new Transport(one, uncounted(), () => {
      const socket = new net.Socket();
      sockets.push(socket);
      if (fate === 'connects') setTimeout(() => socket.emit('connect'), after);
      if (fate === 'fails') setTimeout(() => socket.destroy(new Error(`failed ${number}`)), after);
      return socket;
    });
  };
  const addresses = script.map((_, port): Address => ({ kind: 'socket', host: '10.0.0.1', port }));
  const subject = new ConnectRace(addresses, open, user);
  try {
    subject.start();
  } catch (error) {
    told.push(`thrown ${String(error)}`);
  }
  const end = performance.now() + waitMs;
  while (!told.some((one) => /^(won|lost|thrown)/.test(one)) && performance.now() < end) await sleep(2);
  const open_ = sockets.filter(({ destroyed }) => !destroyed).length;
  subject.stop();
  for (const socket of sockets) socket.destroy();
  return { told, open: open_ };
}

test('the first address that connects is taken', async () => {
  assert.deepEqual(await race([['connects'], ['connects']]), { told: ['won 10.0.0.1:0'], open: 1 });
});

test('an attempt that fails is followed by the next at once', async () => {
  const { told } = await race([['fails'], ['fails'], ['connects']]);
  assert.deepEqual(told, ['another', 'another', 'won 10.0.0.1:2']);
});

test('where all fail the last error is told', async () => {
  assert.deepEqual((await race([['fails'], ['fails']])).told, ['another', 'lost Error: failed 1']);
});

test('an attempt that takes long goes on beside the next, and the other ends when one of them connects', async () => {
  const late = await race([['connects', 350], ['waits']]);
  assert.deepEqual(late, { told: ['another', 'won 10.0.0.1:0'], open: 1 });
  const second = await race([['waits'], ['connects', 5]]);
  assert.deepEqual(second, { told: ['another', 'won 10.0.0.1:1'], open: 1 });
  assert.deepEqual((await race([['waits'], ['waits']], 100)).told, []);
});

test('addresses that cannot even be tried are passed over', async () => {
  assert.deepEqual((await race([['refused'], ['connects']])).told, [
    'refused Error: no 0',
    'another',
    'won 10.0.0.1:1',
  ]);
  assert.deepEqual((await race([['fails'], ['refused']])).told, ['another', 'refused Error: no 1', 'lost Error: no 1']);
  assert.deepEqual((await race([['refused'], ['refused']])).told, [
    'refused Error: no 0',
    'another',
    'thrown Error: no 1',
  ]);
});
