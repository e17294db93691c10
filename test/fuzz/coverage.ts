import { Session } from 'node:inspector';

/** Which blocks of the code under test have run, as V8 counts them. */
export class Coverage {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that ran since the last call. */
  take(): Set<string> {
    const blocks = new Set<string>();
    // A session with its own thread answers at once.
    this.#session.post('Profiler.takePreciseCoverage', (_, { result }) => {
      for (const script of result) {
        if (!script.url.includes('/src/')) continue;
        for (const { ranges } of script.functions)
          for (const { startOffset, endOffset, count } of ranges)
            if (count > 0) blocks.add(`${script.scriptId}:${startOffset}:${endOffset}`);
      }
    });
    return blocks;
  }

  stop(): void {
    this.#session.disconnect();
  }
}
