import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Figure } from '../figure.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 180_000;
/** Namespaces that may be torn up, and that the kernel takes away with the process. */
const script = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && exec "$@"';

/** What a pod with many peers costs the kernel, and what a packet costs under many entries. */
export async function datapathBench(): Promise<readonly Figure[]> {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const inside = ['bash', '-c', script, 'x', process.execPath, path.join(import.meta.dirname, 'inside.ts')];
  const { stdout } = await run('unshare', [...user, ...namespaces, ...inside], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as readonly Figure[];
}
