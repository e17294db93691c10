import { once } from 'node:events';
import type { CommandIo } from '../io.ts';

/** Text to standard output that waits when the reader is slow and stops when it is gone. */
export interface Output {
  readonly write: (text: string) => Promise<void>;
  readonly flush: () => Promise<void>;
  /** Whether nobody reads any more. */
  readonly closed: () => boolean;
}

const chunk = 64 * 1024;

/** With `buffered`, text is collected into large writes until `flush`. */
export function createOutput(
  io: CommandIo,
  { buffered, onClosed }: { readonly buffered: boolean; readonly onClosed: () => void },
): Output {
  const { stdout } = io;
  let pending = '';
  let closed = false;
  const gone = new AbortController();
  const close = (): void => {
    closed = true;
    gone.abort();
    onClosed();
  };
  if (stdout.destroyed) close();
  else stdout.once('error', close).once('close', close);
  const send = async (): Promise<void> => {
    const text = pending;
    pending = '';
    if (closed || text === '' || stdout.write(text)) return;
    await once(stdout, 'drain', { signal: gone.signal }).catch(() => {});
  };
  return {
    async write(text) {
      pending += text;
      if (!buffered || pending.length >= chunk) await send();
    },
    flush: send,
    closed: () => closed,
  };
}
