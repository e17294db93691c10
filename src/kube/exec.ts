import { PassThrough, type Readable, Writable } from 'node:stream';
import type WebSocket from 'ws';
import { fail, ok, type Result } from '../base/index.ts';
import { type ApiError, localError, parseStatus, type Status } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { messageOf, transportError, urlOf } from './http.ts';
import { urlPath } from './paths.ts';
import { startHeartbeat, untilOpen } from './websocket.ts';

export interface ExecOptions {
  readonly namespace: string;
  readonly pod: string;
  /** Default: the server's choice, the first or only container. */
  readonly container?: string | undefined;
  readonly command: readonly string[];
  /** Whether the process gets a standard input; without one it reads an end at once. */
  readonly stdin?: boolean;
  readonly tty?: boolean;
  /** Ends the session and with it the process. */
  readonly signal?: AbortSignal | undefined;
  /** Until the process runs; default 30,000. */
  readonly timeoutMs?: number;
}

export interface ExecSession {
  /** Ending it ends the process' standard input. Discards when none was asked for. */
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Stays empty with a terminal. */
  readonly stderr: Readable;
  resize(columns: number, rows: number): void;
  /** The exit code once the process has ended, or why it is not known. `stdout` and `stderr` end before. */
  readonly exit: Promise<Result<number, ApiError>>;
  close(): void;
}

/** `v5` alone can close standard input; `v4` is what older servers speak. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Starts a command in a container over a WebSocket. Fails when the connection or the start is refused. */
export async function execInPod(client: KubeClient, options: ExecOptions): Promise<Result<ExecSession, ApiError>> {
  const { access } = client;
  try {
    const { headers, ...tls } = await access.credentials();
    const { WebSocket } = await import('ws');
    const url = execUrl(client, options);
    const handshakeTimeout = options.timeoutMs ?? 30_000;
    const socket = new WebSocket(url, protocols, { ...tls, headers, handshakeTimeout, maxPayload: 64 * 1024 * 1024 });
    // Listening from the start: the first output may come with the answer itself.
    const session = createSession(socket, options);
    const refusal = await untilOpen(socket, options.signal);
    if (refusal) {
      socket.terminate();
      return fail(refusal.code > 0 ? refusal : transportError(access, refusal.message, options.signal));
    }
    return ok(session);
  } catch (error) {
    return fail(transportError(access, error, options.signal));
  }
}

function execUrl(
  { access }: KubeClient,
  { namespace, pod, container, command, stdin = false, tty = false }: ExecOptions,
): URL {
  const path = urlPath({ group: '', version: 'v1', resource: 'pods', namespace, name: pod, subresource: 'exec' });
  const url = urlOf(access, path, { command, container, stdin, stdout: true, stderr: !tty, tty });
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

function createSession(socket: WebSocket, { signal, stdin: wantsStdin = false }: ExecOptions): ExecSession {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { promise: exit, resolve } = Promise.withResolvers<Result<number, ApiError>>();
  const onAbort = (): void => socket.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  let status: Status | undefined;
  let failure = 'the connection ended before the command';

  socket.on('message', (data: Buffer) => {
    const content = data.subarray(1);
    if (data[0] === channel.stdout) deliver(socket, stdout, content);
    if (data[0] === channel.stderr) deliver(socket, stderr, content);
    if (data[0] === channel.error)
      status = parseStatus(content.toString('utf8')) ?? { message: content.toString('utf8') };
  });
  socket.on('error', (error) => {
    failure = messageOf(error);
  });
  const endHeartbeat = startHeartbeat(socket);
  socket.on('close', () => {
    endHeartbeat();
    signal?.removeEventListener('abort', onAbort);
    stdout.end();
    stderr.end();
    stdin.destroy();
    resolve(status ? exitOf(status) : fail(localError(signal?.aborted ? 'Aborted' : 'Unreachable', failure)));
  });
  const stdin = wantsStdin ? stdinOf(socket) : new Writable({ write: (_chunk, _encoding, done) => done() });
  // Writing to a command that has ended is no error of the writer.
  stdin.on('error', () => undefined);
  return {
    stdin,
    stdout,
    stderr,
    exit,
    resize: (columns, rows) => sendOn(socket, channel.resize, JSON.stringify({ Width: columns, Height: rows })),
    close: () => socket.terminate(),
  };
}

/** Hands output on; a reader that does not follow stops the connection until it does. */
function deliver(socket: WebSocket, stream: PassThrough, content: Buffer): void {
  if (content.length === 0 || stream.write(content) || socket.isPaused) return;
  socket.pause();
  const resume = (): void => {
    stream.off('drain', resume);
    stream.off('close', resume);
    socket.resume();
  };
  stream.on('drain', resume);
  stream.on('close', resume);
}

function stdinOf(socket: WebSocket): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) return done();
      socket.send(Buffer.concat([Buffer.from([channel.stdin]), chunk]), (error) => done(error ?? null));
    },
    final(done) {
      if (socket.protocol === protocols[0]) sendOn(socket, channel.close, Buffer.from([channel.stdin]));
      done();
    },
  });
}

function sendOn(socket: WebSocket, number: number, content: string | Buffer): void {
  if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.from([number]), Buffer.from(content)]));
}

/** The exit code in the final Status of an exec: Success is 0, `NonZeroExitCode` carries it as a cause. */
function exitOf(status: Status): Result<number, ApiError> {
  if (status.status === 'Success') return ok(0);
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  const code = Number(cause?.message);
  if (cause && Number.isInteger(code)) return ok(code);
  const message = status.message ?? 'the command failed';
  return fail({ code: status.code ?? 500, reason: status.reason ?? 'InternalError', message, status });
}

export interface CommandOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Most that is kept of each output of a command that is run to its end. */
const outputMax = 16 * 1024 * 1024;

/** Runs a command to its end and returns what it wrote, each stream cut at 16 MiB. */
export async function runInPod(
  client: KubeClient,
  options: Omit<ExecOptions, 'stdin' | 'tty'> & { readonly input?: string },
): Promise<Result<CommandOutput, ApiError>> {
  const started = await execInPod(client, { ...options, stdin: options.input !== undefined });
  if (!started.ok) return started;
  const session = started.value;
  session.stdin.end(options.input ?? '');
  const [stdout, stderr, exit] = await Promise.all([collect(session.stdout), collect(session.stderr), session.exit]);
  return exit.ok ? ok({ exitCode: exit.value, stdout, stderr }) : exit;
}

async function collect(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < outputMax) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString('utf8');
}
