import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fail, ok, type Result } from '../../base/index.ts';

const OTHERS = 0o077;

/** Where processes of one base ID meet: `XDG_RUNTIME_DIR`, else the folder for temporary files, for this user alone. */
function meetingFolder(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  return runtime
    ? path.join(runtime, 'ciliate-proxy')
    : path.join(tmpdir(), `ciliate-proxy-${process.getuid?.() ?? 0}`);
}

/** The folder, made where it is missing; refused where somebody else owns it or may look into it. */
export async function openMeetingFolder(folder = meetingFolder()): Promise<Result<string, string>> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found = await lstat(folder);
    if (!found.isDirectory()) return fail(`${folder} is no folder`);
    if (found.uid !== process.getuid?.()) return fail(`${folder} belongs to another user`);
    if ((found.mode & OTHERS) !== 0) return fail(`${folder} is open to other users; allowed: mode 0700`);
    return ok(folder);
  } catch (error) {
    return fail(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export const socketPath = (folder: string, baseId: number, epoch: number): string =>
  path.join(folder, `${baseId}-${epoch}.sock`);
