import type { Readable, Writable } from 'node:stream';
import type { ContainerReference, ExecSession } from '../../runtime.ts';
import type { ServerContext } from '../http/request.ts';
import { badRequest } from '../status.ts';
import { drained, messageOf } from './containers.ts';

/** What `kubectl exec` asks for in its query. */
export interface ExecRequest {
  readonly container: ContainerReference;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's side of a session, over whatever carries it. */
export interface ExecChannel {
  /** What the user types; ends when the client closes its standard input. */
  readonly input: Readable | undefined;
  readonly output: Writable | undefined;
  readonly errors: Writable | undefined;
  onResize(listener: (columns: number, rows: number) => void): void;
  /** Sends the final Status and closes. */
  finish(status: unknown): void;
  /** Resolves when the client has gone. */
  readonly closed: Promise<void>;
}

export function execRequest(query: URLSearchParams, container: ContainerReference): ExecRequest {
  const flag = (name: string) => query.get(name) === 'true' || query.get(name) === '1';
  const command = query.getAll('command');
  if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
  const tty = flag('tty');
  const request = {
    container,
    command,
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    stderr: flag('stderr') && !tty,
    tty,
  };
  if (!request.stdin && !request.stdout && !request.stderr)
    throw badRequest('you must specify at least one of stdin, stdout, stderr');
  return request;
}

/** Runs the command and joins it to the channel until either side ends. Never rejects. */
export async function runExec(
  { runtime, log, closing }: ServerContext,
  request: ExecRequest,
  channel: ExecChannel,
): Promise<void> {
  let session: ExecSession;
  try {
    session = await runtime.exec(request.container, request.command, { stdin: request.stdin, tty: request.tty });
  } catch (error) {
    channel.finish(failure(`error executing command in container: ${messageOf(error)}`));
    return;
  }
  const kill = () => session.kill();
  closing.addEventListener('abort', kill, { once: true });
  channel.closed.then(kill, kill);
  channel.onResize((columns, rows) => session.resize(columns, rows));
  if (session.stdin && channel.input) {
    session.stdin.on('error', () => channel.input?.resume());
    channel.input.pipe(session.stdin);
  } else channel.input?.resume();
  try {
    await Promise.all([
      forward(session.stdout, channel.output),
      forward(session.stderr, channel.errors),
      session.exited,
    ]);
    const result = await session.exited;
    channel.finish('error' in result ? failure(result.error) : exitStatus(result.exitCode));
  } catch (error) {
    log.debug({ err: error }, 'exec session broke off');
    session.kill();
    channel.finish(failure(messageOf(error)));
  } finally {
    closing.removeEventListener('abort', kill);
  }
}

async function forward(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return;
  if (!to) {
    from.resume();
    return;
  }
  for await (const chunk of from) {
    if (to.destroyed) return;
    if (!to.write(chunk)) await drained(to);
  }
}

function failure(message: string): unknown {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

function exitStatus(code: number): unknown {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}
