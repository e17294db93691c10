import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type MonitorAggregation, tcpFlags } from '../../plan/index.ts';
import { applyAll, eventsOf, forget, pointsOf } from './harness.ts';
import { connect, echoes, ping, pods, worldAddress } from './world.ts';

// Runs inside namespaces of its own, started by kernel.test.ts.

const medium: MonitorAggregation = { level: 'medium', intervalSeconds: 1, flags: tcpFlags };
const rounds = 20;

async function use(change: Partial<MonitorAggregation>): Promise<void> {
  await applyAll(() => ({ monitorAggregation: { ...medium, ...change } }));
  await forget();
}

/** What the pod's node shows of the packets that reach pods: `->` of the client, `<-` of the server. */
async function arrivals(): Promise<string[]> {
  const events = (await eventsOf(1)).filter(({ kind, point }) => kind === 'trace' && point === 'to-endpoint');
  return events.map(({ reply, flags }) => `${reply ? '<-' : '->'} ${flags}`);
}

/** Where packets from or to the address were shown: others, such as late ones of what ran before, come in as well. */
async function pointsWith(address: string): Promise<readonly string[]> {
  const isEnd = (end: string): boolean => end === address || end.startsWith(`${address}:`);
  return pointsOf((await eventsOf(1)).filter(({ from, to }) => isEnd(from) || isEnd(to)));
}

async function exchange(address: string): Promise<void> {
  const { socket } = await connect('a', address, 8080);
  for (let count = 0; count < rounds; count++) assert.ok(await echoes(socket));
  socket.destroy();
}

test('low shows every packet where it goes out', async () => {
  await use({ level: 'low' });
  await exchange(pods.b.address);
  const events = (await eventsOf(1)).filter(({ kind }) => kind === 'trace');
  assert.deepEqual(pointsOf(events), ['to-endpoint', 'to-stack']);
  const data = events.filter(({ point, flags }) => point === 'to-endpoint' && flags === 'PSH,ACK');
  assert.equal(data.filter(({ reply }) => !reply).length, rounds);
});

test('none shows every packet where it comes in, too', async () => {
  await use({ level: 'none' });
  await exchange(pods.b.address);
  assert.deepEqual(await pointsWith(pods.b.address), ['from-endpoint', 'to-endpoint', 'to-stack']);
  await exchange(pods.c.address);
  assert.deepEqual(await pointsWith(pods.c.address), ['from-endpoint', 'from-overlay', 'to-endpoint', 'to-overlay']);
  const { socket } = await connect('a', worldAddress, 80);
  socket.destroy();
  assert.ok(pointsOf(await eventsOf(1)).includes('from-network'));
});

test('the level changes while connections live, and what a plan says stays in force', async () => {
  await use({ level: 'none' });
  const { socket } = await connect('a', pods.b.address, 8080);
  await use({ level: 'medium' });
  for (let count = 0; count < rounds; count++) assert.ok(await echoes(socket));
  assert.ok((await arrivals()).length < rounds);
  socket.destroy();
});

test('medium shows a connection again once in each interval and direction', async () => {
  await use({});
  const { socket } = await connect('a', pods.b.address, 8080);
  assert.ok(await echoes(socket));
  await forget();
  const shown: string[] = [];
  for (let turn = 0; turn < 16; turn++) {
    assert.ok(await echoes(socket));
    await delay(200);
    shown.push(...(await arrivals()));
  }
  const requests = shown.filter((line) => line === '-> PSH,ACK').length;
  assert.ok(requests >= 2 && requests <= 8, shown.join('\n'));
  assert.ok(shown.some((line) => line.startsWith('<- ')));
  socket.destroy();
});

test('medium shows the first packet with each of the flags that are asked for, and FIN and RST', async () => {
  const cases: readonly [flags: MonitorAggregation['flags'], expected: RegExp][] = [
    [tcpFlags, /^-> SYN <- SYN,ACK -> ACK (<- PSH,ACK -> PSH,ACK|-> PSH,ACK <- PSH,ACK) .*FIN/],
    [['syn', 'fin', 'rst'], /^-> SYN <- SYN,ACK (->|<-) [A-Z,]*FIN/],
    [[], /^-> SYN <- SYN,ACK (->|<-) [A-Z,]*FIN/],
  ];
  for (const [flags, expected] of cases) {
    await use({ flags, intervalSeconds: 60 });
    const { socket } = await connect('a', pods.b.address, 8080);
    for (let count = 0; count < rounds; count++) assert.ok(await echoes(socket));
    socket.end();
    await delay(50);
    const shown = await arrivals();
    assert.match(shown.join(' '), expected);
    assert.ok(shown.length <= 10, shown.join('\n'));
  }
});

test('what is not TCP shows its first packet in each direction', async () => {
  await use({ intervalSeconds: 60 });
  assert.ok(ping('a', pods.b.address));
  assert.deepEqual(await arrivals(), ['-> ', '<- ']);
});

test('what was shown lately has a bound, beyond which traffic passes and is shown by its flags', async () => {
  await use({ intervalSeconds: 60 });
  assert.throws(fillReported, /Too many open files/);
  const { socket } = await connect('a', pods.b.address, 8080);
  for (let count = 0; count < rounds; count++) assert.ok(await echoes(socket));
  socket.end();
  await delay(50);
  const shown = await arrivals();
  assert.match(shown.join(' '), /^-> SYN <- SYN,ACK -> ACK .*PSH,ACK .*FIN/);
  assert.ok(shown.length <= 10, shown.join('\n'));
  assert.ok(ping('b', pods.a.address));
  assert.deepEqual(await arrivals(), ['-> ', '<- ']);
});

/** Takes all the room there is, in parts that the kernel takes at once. */
function fillReported(): void {
  for (let part = 0; part < 100; part++) {
    const elements = Array.from({ length: 1000 }, (_, at) => `${part * 1000 + at} . original`);
    execFileSync('nsenter', ['--net=/run/netns/n1', 'nft', '-f', '-'], {
      input: `add element inet ciliate reported { ${elements.join(', ')} }\n`,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
  }
}
