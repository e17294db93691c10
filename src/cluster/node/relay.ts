import { PassThrough, type Readable } from 'node:stream';

export interface Relay {
  /** What the client reads; it slows the source down when the client is slow. */
  readonly output: PassThrough;
  /**
   * Call when the process has ended: resolves when the client has everything. A process left behind in the background that
   * keeps the source open is cut off after a second of silence.
   */
  finish(): Promise<void>;
}

const silenceMs = 1000;

/** Copies a process's output to a stream for a client. A failing source is an end. */
export function relay(source: Readable): Relay {
  const output = new PassThrough();
  let fresh = false;
  source.on('data', (chunk: Buffer) => {
    fresh = true;
    if (output.write(chunk)) return;
    source.pause();
    output.once('drain', () => source.resume());
  });
  source.on('error', () => source.destroy());
  source.on('close', () => output.end());
  output.on('close', () => source.destroy());
  return {
    output,
    async finish() {
      const timer = setInterval(() => {
        if (!fresh && !output.writableNeedDrain) source.destroy();
        fresh = false;
      }, silenceMs);
      if (!source.closed) await new Promise((resolve) => source.once('close', resolve));
      clearInterval(timer);
      if (output.readableLength === 0 || output.readableEnded || output.closed) return;
      await new Promise((resolve) => output.once('end', resolve).once('close', resolve));
    },
  };
}
