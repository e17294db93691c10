import { pipeline } from 'node:stream/promises';
import tty from 'node:tty';
import { execInPod } from '../../kube/index.ts';
import { Failure, need } from './failure.ts';
import { podOf } from './pods.ts';
import type { Session } from './session.ts';

export interface ExecOptions {
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

/** Runs a command in a pod with the streams connected and returns its exit code. */
export async function exec(
  session: Session,
  target: string,
  command: readonly string[],
  options: ExecOptions,
): Promise<number> {
  const { io, client, namespace } = session;
  if (command.length === 0) throw new Failure('error: you must specify at least one command for the container');
  const keyboard = io.stdin instanceof tty.ReadStream ? io.stdin : undefined;
  const wantsTty = options.tty === true && options.stdin === true && keyboard !== undefined;
  if (options.tty && !wantsTty)
    io.stderr.write('Unable to use a TTY - input is not a terminal or the right kind of file\n');
  const pod = await podOf(session, target);
  const started = need(
    await execInPod(client, {
      namespace,
      pod,
      container: options.container,
      command,
      stdin: options.stdin === true,
      tty: wantsTty,
    }),
  );
  const screen = io.stdout instanceof tty.WriteStream ? io.stdout : undefined;
  const resize = (): void => {
    if (screen) started.resize(screen.columns, screen.rows);
  };
  if (wantsTty) {
    keyboard.setRawMode(true);
    resize();
    screen?.on('resize', resize);
  }
  try {
    if (options.stdin) io.stdin.pipe(started.stdin);
    const outputs = [
      pipeline(started.stdout, io.stdout, { end: false }),
      pipeline(started.stderr, io.stderr, { end: false }),
    ];
    const [exit] = await Promise.all([started.exit, ...outputs]);
    const code = need(exit);
    if (code !== 0 && !wantsTty) io.stderr.write(`command terminated with exit code ${code}\n`);
    return code;
  } finally {
    if (wantsTty) keyboard.setRawMode(false);
    screen?.off('resize', resize);
    io.stdin.unpipe(started.stdin);
    // An open keyboard would keep the process.
    io.stdin.pause();
    keyboard?.unref();
  }
}
