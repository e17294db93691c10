import { backoffMs } from '../../base/index.ts';

const firstDelayMs = 10_000;
const delayMsMax = 300_000;
/** A container that ran this long starts with a clean record. */
const forgetAfterMs = 600_000;

/** What part of the pod a container is. */
export type Role = 'init' | 'sidecar' | 'main';

export function restarts(role: Role, policy: string, exitCode: number): boolean {
  if (role === 'sidecar') return true;
  if (policy === 'Never') return false;
  return exitCode !== 0 || (policy === 'Always' && role === 'main');
}

/** Delays between restarts: the first comes at once, then 10 s doubling to 5 min. */
export function restartDelays(): (ranMs: number) => number {
  let failures = 0;
  return (ranMs) => {
    if (ranMs >= forgetAfterMs) failures = 0;
    const delay = failures === 0 ? 0 : backoffMs(failures - 1, { baseMs: firstDelayMs, maxMs: delayMsMax });
    failures++;
    return delay;
  };
}
