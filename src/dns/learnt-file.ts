import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { dnsNameMax, fail, ok, type Result } from '../base/index.ts';
import type { LearntRecord } from './learnt-names.ts';

/** A larger file is none of ours. */
const bytesMax = 64 << 20;
const version = 1;

/**
 * Writes what was learnt, whole or not at all: a new file takes the place of the old one.
 * @param nowMs the wall clock; the time left of each record counts from it
 */
export async function writeLearntFile(file: string, records: readonly LearntRecord[], nowMs: number): Promise<void> {
  const rows = records.map(({ endpoint, name, address, leftMs }) => [endpoint, name, address, leftMs]);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await handle.writeFile(JSON.stringify({ version, savedMs: Math.round(nowMs), records: rows }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** Reads what `writeLearntFile` wrote; nothing when there is no file, and a text when it is none of ours. */
export async function readLearntFile(file: string, nowMs: number): Promise<Result<readonly LearntRecord[], string>> {
  try {
    const { size } = await stat(file);
    if (size > bytesMax) return fail(`${file} has ${size} bytes, at most ${bytesMax} are read`);
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    const records = recordsOf(content, nowMs);
    return records ? ok(records) : fail(`${file} does not hold learnt names of version ${version}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ok([]);
    return fail(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function recordsOf(content: unknown, nowMs: number): readonly LearntRecord[] | undefined {
  if (typeof content !== 'object' || content === null) return undefined;
  const { version: found, savedMs, records } = content as Record<string, unknown>;
  if (found !== version || typeof savedMs !== 'number' || !Array.isArray(records)) return undefined;
  // A clock that was set back must not make anything last longer.
  const passedMs = Math.max(0, nowMs - savedMs);
  const read = records.map((row) => recordOf(row, passedMs));
  return read.every((record) => record !== undefined) ? read : undefined;
}

function recordOf(row: unknown, passedMs: number): LearntRecord | undefined {
  if (!Array.isArray(row)) return undefined;
  const [endpoint, name, address, leftMs] = row as readonly unknown[];
  if (typeof endpoint !== 'string' || typeof name !== 'string' || typeof address !== 'string') return undefined;
  if (typeof leftMs !== 'number' || !(leftMs >= 0) || name.length > dnsNameMax) return undefined;
  if (!net.isIP(endpoint) || !net.isIP(address)) return undefined;
  return { endpoint, name, address, leftMs: Math.max(0, leftMs - passedMs) };
}
