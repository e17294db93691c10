import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, type Logger } from '../../src/base/index.ts';
import { startProxy } from '../../src/proxy/index.ts';
import type { Envoy } from './envoy.ts';
import type { Json, Places } from './types.ts';

const readyMs = 20_000;

/** A proxy under test. */
export interface Subject {
  /** Text of the admin interface at a path; `POST ` before the path posts. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

export interface Verdict {
  readonly accepted: boolean;
  readonly text: string;
}

/** One of the two that are compared. */
export interface Kind {
  readonly name: string;
  /** `early`: gives it as soon as its admin interface answers. */
  start(bootstrap: Json, places: Places, flags: readonly string[], early?: boolean): Promise<Subject>;
  validate(bootstrap: Json, places: Places): Promise<Verdict>;
}

export function realEnvoy(envoy: Envoy): Kind {
  const flags = ['--disable-hot-restart', '--concurrency', '1', '--file-flush-interval-msec', '10', '-l', 'error'];
  return {
    name: 'envoy',
    start: async (bootstrap, places, more, early) => {
      const file = await bootstrapFile(bootstrap, places);
      return startProcess(envoy.program, ['-c', file, ...flags, ...more], places, early);
    },
    validate: async (bootstrap, places) => {
      const file = await bootstrapFile(bootstrap, places);
      const { accepted, text } = await runToEnd(envoy.program, ['-c', file, '--mode', 'validate', '-l', 'error']);
      return { accepted, text: accepted ? '' : (text.split(`'${file}': `)[1] ?? text) };
    },
  };
}

const main = path.resolve(import.meta.dirname, '../../src/proxy/main.ts');

export const ciliateProcess: Kind = {
  name: 'ciliate-proxy',
  start: async (bootstrap, places, flags, early) => {
    const file = await bootstrapFile(bootstrap, places);
    const args = [main, '-c', file, '--file-flush-interval-msec', '10', ...flags];
    return startProcess(process.execPath, args, places, early);
  },
  validate: (bootstrap, places) => validateInside(bootstrap, places),
};

/** Ours inside this process: without the cost of starting one for each scenario. */
export const ciliateInside: Kind = {
  name: 'ciliate-proxy',
  start: async (bootstrap, places, _flags, early) => {
    const { host, admin } = places;
    const proxy = await startProxy({ bootstrap, log: quietLogger(), logFlushMs: 5 });
    if (proxy.adminAddress !== undefined) await becomeReady(places, early);
    return { admin: (at) => ask(host, admin, at), stop: () => proxy.stop(0) };
  },
  validate: (bootstrap, places) => validateInside(bootstrap, places),
};

function quietLogger(): Logger {
  const log = createLogger('proxy');
  log.level = 'silent';
  return log;
}

async function validateInside(bootstrap: Json, _places: Places): Promise<Verdict> {
  try {
    const proxy = await startProxy({ bootstrap, log: quietLogger() });
    await proxy.stop(0);
    return { accepted: true, text: '' };
  } catch (error) {
    return { accepted: false, text: String(error) };
  }
}

async function bootstrapFile(bootstrap: Json, { folder }: Places): Promise<string> {
  const file = path.join(folder, 'bootstrap.json');
  await writeFile(file, JSON.stringify(bootstrap, undefined, 1));
  return file;
}

async function startProcess(program: string, args: readonly string[], places: Places, early = false): Promise<Subject> {
  const log = path.join(places.folder, 'proxy.log');
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const out = createWriteStream(log);
  child.stdout?.pipe(out);
  child.stderr?.pipe(out);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    await becomeReady(places, early, () => child.exitCode !== null || child.signalCode !== null);
  } catch {
    child.kill('SIGKILL');
    await ended;
    throw new Error(`${path.basename(program)} did not become ready: ${await readFile(log, 'utf8')}`);
  }
  return { admin: (at) => ask(places.host, places.admin, at), stop: () => stopProcess(child, ended) };
}

async function stopProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

/** Waits until the proxy is live, or `early` until its admin interface answers at all. */
async function becomeReady({ host, admin }: Places, early = false, isOver: () => boolean = () => false): Promise<void> {
  const deadline = Date.now() + readyMs;
  for (;;) {
    const state = await ask(host, admin, '/ready').catch(() => '');
    if (state.startsWith('LIVE') || (early && state !== '')) return;
    if (isOver() || Date.now() > deadline) throw new Error('did not become ready');
    await sleep(15);
  }
}

function ask(host: string, port: number, at: string): Promise<string> {
  const post = at.startsWith('POST ');
  const options = { host, port, path: post ? at.slice(5) : at, method: post ? 'POST' : 'GET', timeout: 5_000 };
  return new Promise((resolve, reject) => {
    const request = http.request({ ...options, agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer from ${at}`)));
    request.end();
  });
}

function runToEnd(program: string, args: readonly string[]): Promise<Verdict> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: readyMs });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (part: string) => {
      text += part;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ accepted: code === 0, text: text.trim() })));
}
