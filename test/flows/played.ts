import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../src/model/envoy/index.ts';

/** What a data plane made of the exchanges. */
export interface Played {
  /** `accepted`, or what else became of the plan's resources, and `TYPE: why` for what was refused. */
  readonly resources: readonly string[];
  /** By the name of the exchange. */
  readonly exchanges: Record<string, PlayedExchange>;
}

export interface PlayedExchange {
  /** What the client got. */
  readonly answer: string;
  readonly entries: readonly LoggedEntry[];
}

/** An access log entry as it came, as protobuf JSON. */
export interface LoggedEntry {
  readonly kind: 'http' | 'tcp';
  readonly logName: string;
  readonly entry: JsonObject;
}

const timeoutMs = 60_000;
const namespaces = '--user --map-root-user --net --mount --pid --fork --kill-child --mount-proc'.split(' ');

/** Plays all exchanges against `ciliate-proxy` or the Envoy at a path, in namespaces that end with it. */
export function playAgainst(program: string): Promise<Played> {
  const command = [...namespaces, process.execPath, path.join(import.meta.dirname, 'inside.ts'), program];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  return new Promise((resolve, reject) => {
    execFile('unshare', command, { timeout: timeoutMs, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program}: ${error.message}\n${stderr}`));
      else resolve(JSON.parse(stdout) as Played);
    });
  });
}

const file = path.join(import.meta.dirname, 'recorded/envoy.json');

export interface Recording extends Played {
  /** Its release. */
  readonly envoy: string;
}

/** What a real Envoy made of the exchanges when it was last asked. */
export function readRecording(): Recording {
  if (!existsSync(file)) throw new Error(`${file} is missing: node test/flows/main.ts --record`);
  return JSON.parse(readFileSync(file, 'utf8')) as Recording;
}

/** One exchange a line. */
export function writeRecording({ envoy, resources, exchanges }: Recording): void {
  const lines = Object.entries(exchanges).map(([name, one]) => `${JSON.stringify(name)}: ${JSON.stringify(one)}`);
  const head = `"envoy": ${JSON.stringify(envoy)}, "resources": ${JSON.stringify(resources)}`;
  writeFileSync(file, `{${head}, "exchanges": {\n${lines.join(',\n')}\n}}\n`);
}
