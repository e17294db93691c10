import type { Printed } from '../../../hubble/index.ts';
import type { CommandIo } from '../../io.ts';
import { createOutput } from '../output.ts';

export interface Printing<T> {
  readonly print: (response: T) => Printed;
  /** What comes after the last response. */
  readonly end: () => string;
  /** Print each response at once. */
  readonly follow: boolean;
  /** Leave standard error alone. */
  readonly silent: boolean;
}

/** Prints until the responses end, the reader goes or the user interrupts; `stop` ends the responses. */
export async function printAll<T>(
  responses: AsyncIterable<T>,
  { print, end, follow, silent }: Printing<T>,
  io: CommandIo,
  stop: () => void,
): Promise<void> {
  const output = createOutput(io, { buffered: !follow, onClosed: stop });
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    for await (const response of responses) {
      const { out, err } = print(response);
      if (err !== '' && !silent) io.stderr.write(err);
      if (out !== '') await output.write(out);
      if (output.closed()) return;
    }
    await output.write(end());
  } finally {
    await output.flush();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
