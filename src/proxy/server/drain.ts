import type { DrainSettings } from '../listener/drain.ts';
import type { Workers } from '../worker/group.ts';

export interface DrainRequest {
  /** Connections drain first, and listeners stop when the drain time is over. */
  readonly graceful: boolean;
  /** Connections drain and listeners never stop. */
  readonly skipExit: boolean;
  readonly inboundOnly: boolean;
}

/** Drains that an operator asks for. */
export interface DrainControl {
  listeners(request: DrainRequest): Promise<void>;
}

export function createDrainControl(workers: Workers, settings: DrainSettings): DrainControl {
  let draining = false;
  return {
    listeners: async ({ graceful, skipExit, inboundOnly }) => {
      const stop = (): Promise<void> => workers.command({ kind: 'stopListeners', inboundOnly });
      if (!graceful && !skipExit) {
        await stop();
        return;
      }
      // One drain at a time, as in Envoy.
      if (draining) return;
      draining = true;
      await workers.command({ kind: 'drain', inboundOnly });
      if (!skipExit) setTimeout(() => void stop(), settings.timeMs).unref();
    },
  };
}
