import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backends } from './backend.ts';
import { Client, type Received, requestText } from './client.ts';
import { decoded } from './decoded.ts';
import { digest } from './digest.ts';
import { Http2Client } from './http2-client.ts';
import { normalOutcome } from './normalize.ts';
import type { Plane } from './plane.ts';
import { inject } from './pressure.ts';
import { changedStats, readStatNames, readStats } from './stats.ts';
import type { Subject } from './subject.ts';
import type { Case, Outcome, Places, Scenario, SeenRequest, SeenResponse } from './types.ts';

const responseMs = 3_000;
const logMs = 400;

export interface Stage {
  readonly scenario: Scenario;
  readonly subject: Subject;
  readonly backends: Backends;
  readonly places: Places;
  readonly plane: Plane | undefined;
}

/** Plays one case against one proxy. */
export async function runCase(stage: Stage, one: Case): Promise<Outcome> {
  const { backends, places, scenario, subject } = stage;
  await backends.begin(one);
  if (one.pressure !== undefined) await inject(places, one.pressure);
  if (one.repeat !== undefined) return { shares: await runRepeated(stage, one, one.repeat) };
  const logBefore = logText(places).length;
  const countStats = scenario.stats !== false && !one.without?.includes('stats');
  const statsBefore = countStats ? await readStats(subject, 'used') : undefined;
  const plane = one.plane && (await stage.plane?.play(one.plane, subject));
  const connections = await play(stage, one);
  if (one.settleMs !== undefined) await sleep(one.settleMs);
  const responses = connections.flatMap(({ responses: list, rest }) => [
    ...list,
    ...(rest === '' ? [] : [{ status: `rest: ${rest}`, headers: [], body: '' }]),
  ]);
  const log = await logLines(places, logBefore, one.tcp ? 1 : responses.length - (one.http2 ? 1 : 0));
  const admin: Record<string, string> = {};
  for (const at of one.admin ?? []) admin[at] = await subject.admin(at);
  const stats = statsBefore && changedStats(statsBefore, await readStats(subject, 'used'), scenario.stats || []);
  const outcome: Outcome = {
    responses: one.decoded ? responses.map(decoded) : responses,
    ...(one.tls ? { tls: connections.map(({ tls }) => tls ?? '') } : {}),
    fate: connections.map(({ fate }) => fate).join(' '),
    backends: [...inOrder(one.decoded ? backends.seen.map(decoded) : backends.seen, one), ...tcpSeen(backends)],
    log,
    ...(stats ? { stats } : {}),
    ...(one.admin ? { admin } : {}),
    ...(one.statNames ? { statNames: await readStatNames(subject) } : {}),
    ...(plane ? { plane } : {}),
  };
  const normal = without(normalOutcome(outcome, places), one);
  return scenario.digest ? digest(normal) : normal;
}

async function play(stage: Stage, one: Case): Promise<readonly Received[]> {
  const timeoutMs = one.timeoutMs ?? responseMs;
  const connect = (): Client =>
    new Client(one.toOther ? stage.places.other : stage.places.host, stage.places.listener(one.listener ?? 0), {
      ...(one.from ? { from: one.from } : {}),
      ...(one.tcp ? { tcp: true } : {}),
      ...(one.methods ? { methods: one.methods } : {}),
      ...(one.tls ? { tls: one.tls } : {}),
    });
  if (one.http2) {
    const client = new Http2Client(stage.places.host, stage.places.listener(one.listener ?? 0), one.tls);
    return [await client.run(one.http2, timeoutMs, stage.places)];
  }
  if (one.steps) {
    const client = connect();
    await client.run(one.steps, timeoutMs, stage.places);
    if (!one.tcp) await client.responses(one.responses ?? 1, timeoutMs);
    return [await client.settle()];
  }
  const done: Received[] = [];
  let client: Client | undefined;
  let wanted = 0;
  for (const request of one.requests ?? []) {
    if (client && (one.fresh || client.over)) {
      done.push(await client.settle());
      client = undefined;
    }
    if (!client) wanted = 0;
    client ??= connect();
    wanted += typeof request === 'string' ? (one.responses ?? 1) : 1;
    if (typeof request === 'string') client.send(request);
    else client.send(requestText(request), request.method ?? 'GET');
    await client.responses(wanted, timeoutMs);
    // A close that was announced is waited for, so that the next request does not meet it half way.
    if (client.received.responses.at(-1)?.headers.some((header) => /^connection: close$/i.test(header))) {
      done.push(await client.settle());
      client = undefined;
    }
  }
  if (client) done.push(await client.settle());
  return done;
}

async function runRepeated(stage: Stage, one: Case, repeat: number): Promise<Record<string, number>> {
  const counts = new Map<string, number>();
  const add = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  let requests = 0;
  for (let round = 0; round < repeat; round++) {
    for (const { responses } of await play(stage, { ...one, settleMs: 0 })) {
      requests += responses.length;
      for (const { status } of responses) add(`status ${status.split(' ')[1]}`);
    }
  }
  for (const { backend } of stage.backends.seen) add(`b${backend}`);
  return Object.fromEntries(
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, count]) => [key, Math.round((count / requests) * 1000) / 1000]),
  );
}

function inOrder(seen: readonly SeenRequest[], { sideBySide = false }: Case): readonly SeenRequest[] {
  return sideBySide ? seen.toSorted((left, right) => left.backend - right.backend) : seen;
}

function tcpSeen(backends: Backends): readonly SeenRequest[] {
  return [...backends.received].map(([backend, body]) => ({
    backend,
    connection: 0,
    line: 'bytes',
    headers: [],
    body,
  }));
}

/** At once: it is a small file in memory, read several times a case. */
function logText({ folder }: Places): string {
  try {
    return readFileSync(path.join(folder, 'access.log'), 'utf8');
  } catch {
    return '';
  }
}

/** New lines of the access log; waits a moment for as many as there were responses. */
async function logLines(places: Places, from: number, expected: number): Promise<readonly string[]> {
  const deadline = performance.now() + logMs;
  for (;;) {
    const lines = logText(places).slice(from).split('\n').slice(0, -1);
    if (lines.length >= expected || performance.now() > deadline) return lines;
    await sleep(4);
  }
}

function without(outcome: Outcome, { without: parts = [] }: Case): Outcome {
  const { responses, backends, ...rest } = outcome;
  const kept: Record<string, unknown> = { ...rest };
  const bare = <T extends SeenResponse | SeenRequest>(one: T): T =>
    parts.includes('bodies') ? { ...one, body: '' } : one;
  if (responses) kept['responses'] = responses.map(bare);
  const unordered = parts.includes('connections');
  const seen = (one: SeenRequest): SeenRequest => ({
    ...bare(unordered ? { ...one, connection: 0 } : one),
    ...(parts.includes('order') ? { headers: one.headers.toSorted() } : {}),
  });
  if (backends) kept['backends'] = backends.map(seen);
  for (const part of ['log', 'stats', 'fate', 'backends'] as const) if (parts.includes(part)) delete kept[part];
  return kept;
}
