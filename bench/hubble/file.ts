import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { buildFlow } from '../../src/hubble/index.ts';
import { printJson } from '../../src/model/flow/index.ts';
import { projectRoot } from '../../test/e2e/cluster.ts';
import { type Figure, median } from '../figure.ts';
import { benchLookups, httpEvent } from './events.ts';

const count = 1_000_000;
const rounds = 3;
const run = promisify(execFile);
const mebibyte = 1024 * 1024;

/** A filter and how much of the file it lets through. */
const questions: readonly { readonly name: string; readonly flags: readonly string[]; readonly goal?: string }[] = [
  {
    name: 'by pod, verdict and path',
    flags: ['--pod', 'shop/app-3', '--verdict', 'DROPPED', '--http-path', '/api/v1/orders'],
    goal: '5 or less',
  },
  { name: 'by a path with operators', flags: ['--http-path', '/(api|rest)/v[0-9]+/orders'] },
];

/** Filtering a million recorded flows, all of them of HTTP and so the longest there are. */
export async function fileBench(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ciliate-bench-'));
  try {
    const file = path.join(folder, 'flows.log');
    await writeFlows(file);
    const size = Math.round(statSync(file).size / mebibyte);
    const figures: Figure[] = [];
    for (const { name, flags, goal } of questions) {
      const times: number[] = [];
      let matched = 0;
      for (let round = 0; round < rounds; round++) {
        const startedAt = performance.now();
        matched = await observe(file, flags);
        times.push((performance.now() - startedAt) / 1_000);
      }
      if (matched === 0) throw new Error(`${flags.join(' ')} matches nothing`);
      const figure = `1,000,000 flows of a file (${size} MiB) filtered ${name}, ${matched} match`;
      figures.push({ figure, value: median(times), unit: 's', ...(goal !== undefined && { goal }) });
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many lines `hubble observe` prints. */
async function observe(file: string, flags: readonly string[]): Promise<number> {
  const command = [path.join(projectRoot, 'src/cli/ciliate.ts'), 'hubble', 'observe', '--input-file', file, ...flags];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 1024 * mebibyte });
  return stdout.split('\n').length - 1;
}

async function writeFlows(file: string): Promise<void> {
  const lookups = benchLookups('bench/node');
  const out = createWriteStream(file);
  let lines = 0;
  for (let number = 0; lines < count; number++) {
    const event = httpEvent(number, 1_700_000_000_000_000_000n + BigInt(number) * 1_000_000n);
    let text = '';
    for (const flow of buildFlow(event, lookups, () => `00000000-0000-4000-8000-${String(lines).padStart(12, '0')}`)) {
      if (lines++ >= count) break;
      text += `${printJson('observer.ExportEvent', { flow, node_name: flow.node_name, time: flow.time })}\n`;
    }
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'close');
}
