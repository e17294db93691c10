import type { Logger } from '../base/index.ts';
import { readMetricsTls } from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import { type MetricsServer, type MetricsText, serveMetrics } from './metrics-server.ts';
import { nodeSecurity } from './node-security.ts';
import { createSettingsUpdate } from './settings-update.ts';

export interface HubbleMetricsServerOptions {
  readonly place: { readonly host: string; readonly port: number };
  readonly text: () => Promise<MetricsText>;
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Stands for the root of the node's files. */
  readonly nodeFiles: string;
  readonly log: Logger;
}

export interface HubbleMetricsServer extends Pick<MetricsServer, 'port' | 'close'> {
  /** Takes over `hubble-metrics-server-*` of `cilium-config` when they have changed. */
  readonly update: () => void;
}

/** Serves Hubble's metrics of a node, in plain text or with TLS as `cilium-config` says, also later. What is not understood is logged, and what was in force stays. */
export async function startHubbleMetricsServer({
  place,
  text,
  configMap,
  nodeFiles,
  log,
}: HubbleMetricsServerOptions): Promise<HubbleMetricsServer> {
  const { port, use, close } = await serveMetrics(place, text, { kind: 'closed' });
  const update = createSettingsUpdate({
    configMap,
    keys: /^hubble-metrics-server-/,
    read: readMetricsTls,
    use: (files) => use(nodeSecurity(files, { nodeFiles, whose: "Hubble's metrics", log })),
    unchanged: "TLS of Hubble's metrics is not changed",
    log,
  });
  update();
  return { port, close, update };
}
