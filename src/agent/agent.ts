import path from 'node:path';
import type { Logger } from '../base/index.ts';
import { createDatapath } from '../datapath/index.ts';
import { createClient, loadKubeConfig } from '../kube/index.ts';
import { createXdsServer } from '../xds/index.ts';
import { accessLogService } from './access-log-server.ts';
import { type AgentMetrics, createAgentMetrics } from './agent-metrics.ts';
import { serveAgentApi } from './api.ts';
import { createDnsEdge } from './dns-edge.ts';
import { createExporters } from './exporters.ts';
import { createFlowSink, type FlowEvent } from './flows.ts';
import { createHubbleMetrics, hubbleMetricsSettings } from './hubble-metrics.ts';
import { type HubbleMetricsServer, startHubbleMetricsServer } from './hubble-metrics-server.ts';
import { type HubbleServer, startHubbleServer } from './hubble-server.ts';
import { startLoop } from './loop.ts';
import { serveMetrics } from './metrics-server.ts';
import { createRedactionUpdate } from './redaction.ts';
import { createRounds, type Rounds } from './rounds.ts';
import { createSecretSource } from './secrets.ts';
import { serveOnSocket } from './servers.ts';
import { startSources } from './sources.ts';
import { createTelemetry } from './telemetry.ts';

export interface AgentOptions {
  readonly nodeName: string;
  readonly clusterName: string;
  readonly nodeAddress: string;
  readonly kubeconfig: string;
  /** Unix socket for the data plane: discovery and access logs. */
  readonly socket: string;
  /** Unix socket for who asks the agent about itself. */
  readonly apiSocket: string;
  /** What the agent keeps over restarts. */
  readonly stateDirectory: string;
  readonly hubblePort: number;
  /** Where Hubble Relay comes from. */
  readonly relayAddress: string;
  /** Of the agent's own metrics (`prometheus-serve-addr`). */
  readonly metricsPort: number;
  /** `hubble-metrics-server`. */
  readonly hubbleMetricsPort: number;
  readonly version: string;
  readonly log: Logger;
}

export interface Agent {
  stop(): Promise<void>;
}

const debounceMs = 2;

/** Starts the agent of one node: resolves when the first plan is in force. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, nodeName, clusterName } = options;
  const access = loadKubeConfig(options.kubeconfig);
  if (!access.ok) throw new Error(access.error.message);
  const client = createClient(access.value);
  const wake = (): void => loop.wake();
  const onSources = (): void => {
    wake();
    hubbleMetrics.configure(hubbleMetricsSettings(sources.configMap('cilium-config')));
    updateRedaction();
    hubbleServer?.update();
    hubbleMetricsServer?.update();
    void exporters.update();
    void telemetry.update();
  };
  let hubbleServer: HubbleServer | undefined;
  let hubbleMetricsServer: HubbleMetricsServer | undefined;
  const hubbleMetrics = createHubbleMetrics(log);
  const flows = createFlowSink({
    nodeName: `${clusterName}/${nodeName}`,
    version: options.version,
    metrics: hubbleMetrics,
  });
  const xds = createXdsServer({ log, onConnect: () => onDataPlane() });
  const onEvent = (event: FlowEvent): void => {
    agentMetrics.event(event);
    flows.push(event);
  };
  const datapath = createDatapath({ log, onPacket: onEvent, onLost: flows.lost });
  const dns = await createDnsEdge({
    settings: () => sources.dnsSettings(),
    file: path.join(options.stateDirectory, 'learnt-names.json'),
    plan: () => rounds.current()?.dns ?? { proxyPort: 0, rules: [] },
    identityOf: (address) => rounds.identityOf(address),
    onEvent,
    onNames: wake,
    log,
  });
  const sources = startSources({ client, log, onChange: onSources, onPodGone: hubbleMetrics.podGone });
  const { configMap } = sources;
  const nodeFiles = path.join(options.stateDirectory, 'files');
  const { observer, tap } = flows;
  const exporters = createExporters({ observer, configMap, nodeFiles, log });
  const updateRedaction = createRedactionUpdate({ configMap, use: flows.redact, log });
  const telemetry = createTelemetry({ configMap, tap, nodeName: observer.nodeName, version: options.version, log });
  const secrets = createSecretSource(client, log, wake);
  const rounds = createRounds({ options, client, sources, secrets, dns, flows, xds, datapath });
  const agentMetrics = createAgentMetrics({
    version: options.version,
    plan: rounds.current,
    policyRevision: rounds.policyRevision,
    learnt: dns.records,
    endpointId: rounds.endpointId,
  });
  const onDataPlane = (): void => {
    rounds.dataPlaneChanged();
    wake();
  };
  const round = async (): Promise<void> => {
    await timed(rounds, agentMetrics);
    hubbleServer?.nodesChanged();
  };
  const loop = startLoop(round, { debounceMs, log });

  const started = await datapath.start();
  if (!started.ok) throw new Error(started.error.map(({ path, message }) => `${path}: ${message}`).join('; '));
  const dataPlaneServer = await serveOnSocket(options.socket, [
    ...xds.services,
    accessLogService({ onEvent, onLost: flows.lost, log }),
  ]);
  const api = await serveAgentApi(options.apiSocket, { learnt: dns.records, endpointId: rounds.endpointId });
  const metricsServer = await serveMetrics({ host: options.nodeAddress, port: options.metricsPort }, agentMetrics.text);
  hubbleMetricsServer = await startHubbleMetricsServer({
    place: { host: options.nodeAddress, port: options.hubbleMetricsPort },
    text: hubbleMetrics.text,
    configMap,
    nodeFiles,
    log,
  });
  await sources.synced;
  hubbleServer = await startHubbleServer({
    observer,
    nodes: rounds.peers,
    place: { host: options.nodeAddress, port: options.hubblePort },
    relayAddress: options.relayAddress,
    configMap,
    nodeFiles,
    log,
  });
  rounds.begin();
  loop.wake();
  await rounds.first;

  return {
    stop: async () => {
      await loop.stop();
      await sources.stop();
      await secrets.stop();
      await dns.stop();
      await datapath.stop();
      await api.close();
      await exporters.stop();
      await telemetry.stop();
      await hubbleServer?.close();
      await Promise.all([metricsServer.close(), hubbleMetricsServer?.close()]);
      hubbleMetrics.stop();
      xds.close();
      await dataPlaneServer.close();
      client.close();
    },
  };
}

/** One round, whose time counts once there is something to put into force. */
async function timed(rounds: Rounds, metrics: AgentMetrics): Promise<void> {
  const start = performance.now();
  let status: 'success' | 'failure' = 'failure';
  try {
    await rounds.run();
    status = 'success';
  } finally {
    if (rounds.current()) metrics.regenerated(status, (performance.now() - start) / 1_000);
  }
}
