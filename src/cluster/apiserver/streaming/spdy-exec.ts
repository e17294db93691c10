import type { Duplex } from 'node:stream';
import type { ExecChannel } from './exec.ts';
import { serveSpdy } from './spdy/connection.ts';

const STREAMS_TIMEOUT_MS = 30_000;

/**
 * An exec session over SPDY, for clients that know nothing newer: one stream per channel, all opened by the client first.
 * Resolves once they are there; rejects when they do not come.
 */
export function spdyChannel(
  transport: Duplex,
  wants: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean; readonly tty: boolean },
): Promise<ExecChannel> {
  const names = [
    'error',
    ...(wants.stdin ? ['stdin'] : []),
    ...(wants.stdout ? ['stdout'] : []),
    ...(wants.stderr ? ['stderr'] : []),
    ...(wants.tty ? ['resize'] : []),
  ];
  return new Promise((resolve, reject) => {
    const streams = new Map<string, Duplex>();
    const timer = setTimeout(() => {
      transport.destroy();
      reject(new Error('the client did not open its streams in time'));
    }, STREAMS_TIMEOUT_MS);
    const connection = serveSpdy(transport, ({ headers, duplex }) => {
      const name = headers.get('streamtype') ?? '';
      if (!names.includes(name) || streams.has(name)) {
        duplex.destroy();
        return;
      }
      streams.set(name, duplex);
      if (name !== 'stdin' && name !== 'resize') duplex.resume();
      if (streams.size < names.length) return;
      clearTimeout(timer);
      resolve({
        input: streams.get('stdin'),
        output: streams.get('stdout'),
        errors: streams.get('stderr'),
        onResize: (listener) => readSizes(streams.get('resize'), listener),
        finish(status) {
          for (const [other, stream] of streams) if (other !== 'error') stream.end();
          streams.get('error')?.end(JSON.stringify(status), () => connection.end());
        },
        closed: connection.closed,
      });
    });
    void connection.closed.then(() => {
      clearTimeout(timer);
      reject(new Error('the client went away'));
    });
  });
}

function readSizes(stream: Duplex | undefined, listener: (columns: number, rows: number) => void): void {
  stream?.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString('utf8').split('\n')) {
      const columns = /"Width":(\d{1,5})/.exec(line)?.[1];
      const rows = /"Height":(\d{1,5})/.exec(line)?.[1];
      if (columns !== undefined && rows !== undefined) listener(Number(columns), Number(rows));
    }
  });
}
