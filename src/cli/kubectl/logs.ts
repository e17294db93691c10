import { pipeline } from 'node:stream/promises';
import { streamLogs } from '../../kube/index.ts';
import { secondsOf } from './delete.ts';
import { Failure, need } from './failure.ts';
import { podOf } from './pods.ts';
import type { Session } from './session.ts';

export interface LogsCommandOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tail?: string;
  readonly since?: string;
}

/** Prints a container's output; with `--follow` until the container ends. */
export async function logs(session: Session, target: string, options: LogsCommandOptions): Promise<void> {
  const { container, follow = false, previous = false, timestamps = false, tail, since } = options;
  const tailLines = tail === undefined || tail === '-1' ? undefined : Number(tail);
  if (tailLines !== undefined && !(Number.isSafeInteger(tailLines) && tailLines >= 0)) {
    throw new Failure(`error: --tail "${tail}" is no number of lines`);
  }
  const sinceSeconds = since === undefined ? undefined : secondsOf(since, '--since');
  const pod = await podOf(session, target);
  const { client, namespace, io } = session;
  const wanted = { namespace, pod, container, follow, previous, timestamps, tailLines, sinceSeconds };
  await pipeline(need(await streamLogs(client, wanted)), io.stdout, { end: false });
}
