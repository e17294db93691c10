import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const main = path.resolve(import.meta.dirname, '../main.ts');

/** A proxy of its own process. */
interface Process {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

/** Starts one with the `bootstrap.json` of a folder, which is also where it meets others. */
export function start(folder: string, ...flags: readonly string[]): Process {
  const args = [main, '-c', path.join(folder, 'bootstrap.json'), '--base-id', '7', ...flags];
  const env = { ...process.env, XDG_RUNTIME_DIR: folder };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let text = '';
  child.stderr?.on('data', (bytes) => {
    text += bytes;
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, output: () => text, exit };
}

/** Ends when it is live. */
export async function startLive(folder: string, ...flags: readonly string[]): Promise<Process> {
  const started = start(folder, ...flags);
  for (let waited = 0; !started.output().includes('is live'); waited += 20) {
    assert.ok(waited < 20_000 && started.child.exitCode === null, `not live: ${started.output()}`);
    await sleep(20);
  }
  return started;
}

/** Requests that go on until they are stopped. */
interface Load {
  readonly done: { keptAlive: number; fresh: number; streams: number };
  readonly failures: string[];
  stop(): Promise<void>;
}

const PAUSE_MS = 5;

/** Asks again and again, over connections that are kept, new ones, and HTTP/2, all of them encrypted on demand; what is not 200 is a failure. */
export function load(port: number, secure = false): Load {
  const done = { keptAlive: 0, fresh: 0, streams: 0 };
  const failures: string[] = [];
  let going = true;
  const get = (agent: http.Agent): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', agent, path: '/', timeout: 5000 };
      const request = (secure ? https : http).get(options, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', reject);
    });
  const again = async (name: keyof Load['done'], ask: () => Promise<number>): Promise<void> => {
    while (going) {
      try {
        const status = await ask();
        if (status === 200) done[name]++;
        else failures.push(`${name}: ${status}`);
      } catch (error) {
        failures.push(`${name}: ${String(error)}`);
      }
      await sleep(PAUSE_MS);
    }
  };
  const agent = (options: http.AgentOptions): http.Agent =>
    secure ? new https.Agent({ ...options, rejectUnauthorized: false }) : new http.Agent(options);
  const kept = agent({ keepAlive: true, maxSockets: 4 });
  const fresh = agent({ keepAlive: false });
  const sessions = new Set<http2.ClientHttp2Session>();
  const stream = streams(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, sessions);
  const loops = [
    ...Array.from({ length: 4 }, () => again('keptAlive', () => get(kept))),
    ...Array.from({ length: 4 }, () => again('fresh', () => get(fresh))),
    ...Array.from({ length: 2 }, () => again('streams', stream())),
  ];
  return {
    done,
    failures,
    stop: async () => {
      going = false;
      await Promise.all(loops);
      kept.destroy();
      for (const session of sessions) session.destroy();
    },
  };
}

/** Each makes streams on a connection of its own, and a new one where the proxy has asked for that. */
function streams(origin: string, sessions: Set<http2.ClientHttp2Session>): () => () => Promise<number> {
  return () => {
    let session: http2.ClientHttp2Session | undefined;
    return () => {
      if (!session || session.closed || session.destroyed) {
        const made = http2.connect(origin, { rejectUnauthorized: false });
        made.on('error', () => undefined);
        made.on('goaway', () => made.close());
        sessions.add(made);
        session = made;
      }
      const asked = session;
      return new Promise((resolve, reject) => {
        const request = asked.request({ ':path': '/' });
        request.setTimeout(5000, () => request.close(http2.constants.NGHTTP2_CANCEL));
        request.on('response', (headers) => resolve(Number(headers[':status'])));
        request.on('error', reject);
        request.on('close', () => reject(new Error('closed without an answer')));
        request.resume();
        request.end();
      });
    };
  };
}

/** A folder for the time of `work`. */
export async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hot-restart-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
