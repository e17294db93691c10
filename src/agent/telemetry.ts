import { formatIssue, type Logger } from '../base/index.ts';
import { readTelemetry, type TelemetrySettings } from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import type { FlowListener } from './flows.ts';
import type { TelemetrySender } from './telemetry-sender.ts';

export interface TelemetryOptions {
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Who gets each event and its flows; nobody without one. */
  readonly tap: (listener: FlowListener | undefined) => void;
  readonly nodeName: string;
  readonly version: string;
  readonly log: Logger;
}

export interface Telemetry {
  /** Takes over what the ConfigMap says now; does nothing when it is the same as before. */
  update(): Promise<void>;
  stop(): Promise<void>;
}

/** Spans of requests and records of flows for an OpenTelemetry collector, when `cilium-config` asks for them. Its libraries are loaded only then. */
export function createTelemetry({ configMap, tap, nodeName, version, log }: TelemetryOptions): Telemetry {
  let seen: ConfigMap | undefined;
  let inForce: string | undefined;
  let sender: TelemetrySender | undefined;
  let queue: Promise<void> = Promise.resolve();

  const use = async (settings: TelemetrySettings | undefined): Promise<void> => {
    const wanted = settings && JSON.stringify(settings);
    if (wanted === inForce) return;
    inForce = wanted;
    tap(undefined);
    await sender?.close();
    sender = undefined;
    if (!settings) return;
    const { createTelemetrySender } = await import('./telemetry-sender.ts');
    sender = createTelemetrySender({ settings, nodeName, version, log });
    tap(sender.take);
    log.info(
      { endpoint: settings.endpoint, traces: settings.traces, logs: settings.logs },
      'OpenTelemetry export started',
    );
  };
  const update = async (): Promise<void> => {
    const map = configMap('cilium-config');
    if (map === seen) return;
    seen = map;
    const settings = readTelemetry(map?.data ?? {});
    if (settings.ok) await use(settings.value);
    else log.error({ issues: settings.error.map(formatIssue) }, 'OpenTelemetry export is not changed');
  };
  return {
    update: () => {
      queue = queue.then(update).catch((error: Error) => log.error({ error: error.message }, 'OpenTelemetry export'));
      return queue;
    },
    stop: async () => {
      await queue;
      tap(undefined);
      await sender?.close();
    },
  };
}
