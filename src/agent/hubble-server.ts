import type { Logger } from '../base/index.ts';
import {
  type GrpcServing,
  hubbleServerName,
  type Observer,
  observerServices,
  type Peer,
  readNodeTls,
  type ServerTlsFiles,
  serveGrpc,
} from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import { nodeSecurity } from './node-security.ts';
import { createSettingsUpdate } from './settings-update.ts';

export interface HubbleServerOptions {
  readonly observer: Observer;
  /** The nodes that serve an Observer, by `CLUSTER/NODE`. */
  readonly nodes: () => readonly Pick<Peer, 'name' | 'address'>[];
  readonly place: { readonly host: string; readonly port: number };
  /** Where Relay comes from: places are left to it, however many others there are. */
  readonly relayAddress: string;
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Stands for the root of the node's files. */
  readonly nodeFiles: string;
  readonly log: Logger;
}

export interface HubbleServer extends Pick<GrpcServing, 'port' | 'close'> {
  /** Takes over `hubble-disable-tls` and `hubble-tls-*` of `cilium-config` when they have changed. */
  readonly update: () => void;
  /** Tells those who watch the nodes, when `nodes` gives others than before. */
  readonly nodesChanged: () => void;
}

/**
 * The node's Hubble server, in plain text or with TLS as `cilium-config` says when it is started and afterwards. What is not understood is logged, and what was
 * in force stays; nobody is served before something is understood. Rejects when the address cannot be bound.
 */
export async function startHubbleServer(options: HubbleServerOptions): Promise<HubbleServer> {
  const { observer, nodes, place, relayAddress, configMap, nodeFiles, log } = options;
  let inForce: ServerTlsFiles;
  const watchers = new Set<() => void>();
  const nodesChanged = (): void => {
    for (const changed of watchers) changed();
  };
  const peers = {
    list: () => (inForce ? nodes().map((node) => ({ ...node, tlsServerName: hubbleServerName(node.name) })) : nodes()),
    subscribe: (changed: () => void) => {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    },
  };
  const services = observerServices(observer, peers, relayAddress);
  const serving = await serveGrpc(services, place, { kind: 'closed' }, relayAddress);
  const update = createSettingsUpdate({
    configMap,
    keys: /^hubble-(?:disable-tls$|tls-)/,
    read: readNodeTls,
    use: (files) => {
      inForce = files;
      serving.use(nodeSecurity(files, { nodeFiles, whose: 'Hubble', log }));
    },
    unchanged: 'TLS of Hubble is not changed',
    log,
  });
  update();
  return { port: serving.port, close: serving.close, update, nodesChanged };
}
