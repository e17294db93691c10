import path from 'node:path';
import { fail, formatIssue, type Logger } from '../base/index.ts';
import type { Store } from '../cluster/apiserver/index.ts';
import type { ResidentProgram } from '../cluster/images/index.ts';
import {
  createRelay,
  hubbleServerName,
  openTlsFiles,
  type PoolTls,
  readNodeTls,
  readRelayTls,
  type ServePlace,
  type ServerSecurity,
  serveGrpc,
  type TlsFiles,
} from '../hubble/index.ts';
import { addresses, clusterName, version } from './addons.ts';

export interface RelayOptions {
  /** An inherited listening descriptor: the host's loopback. */
  readonly descriptor: number;
  /** Path of a socket for what runs inside, always in plain text. */
  readonly socket: string;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  readonly store: Store;
  /** Stands for the root of the relay's files. */
  readonly files: string;
  readonly log: Logger;
}

export interface RunningRelay {
  /** Serves in a pod, too, as it does towards users, at the port that Cilium's chart gives Relay. */
  readonly servePod: ResidentProgram['start'];
  readonly stop: () => Promise<void>;
}

/**
 * Serves Hubble Relay over all nodes on a socket that the launcher opened. TLS follows the ConfigMaps while it runs: `hubble-relay-config` for its own server and
 * its own certificates, `cilium-config` for whether the nodes serve with TLS. What is not understood is logged, and what was in force stays.
 */
export async function startRelay(options: RelayOptions): Promise<RunningRelay> {
  const { descriptor, nodes, store, log } = options;
  const settings = followSettings(options);
  await settings.update();
  const peers = nodes.map(({ name, address }) => ({
    name: `${clusterName}/${name}`,
    address: `${address}:${addresses.hubblePort}`,
  }));
  const securePeers = peers.map((peer) => ({ ...peer, tlsServerName: hubbleServerName(peer.name) }));
  const relay = await createRelay({
    peers: () => (settings.nodesSecure() ? securePeers : peers),
    subscribe: settings.subscribe,
    tls: settings.pool,
    nodeName: `${clusterName}/hubble-relay`,
    version,
    now: () => BigInt(Date.now()) * 1_000_000n,
  });
  const servingInside = await serveGrpc(relay.services, { path: options.socket });
  const serveUsers = async (place: ServePlace): Promise<{ stop(): Promise<void> }> => {
    const first = settings.security();
    const { use, close } = await serveGrpc(relay.services, place, first);
    const forget = settings.onSecurity(use);
    if (settings.security() !== first) use(settings.security());
    return {
      stop: () => {
        forget();
        return close();
      },
    };
  };
  const serving = await serveUsers({ fd: descriptor });
  const unwatch = store.watch('configmaps', () => {
    settings.update().catch((error: Error) => log.error({ error: error.message }, 'settings of Hubble Relay'));
  });
  return {
    servePod: async ({ bind, tell }) => {
      const pod = await serveUsers({ fd: bind(addresses.relayPort) });
      tell(`Hubble Relay serves at port ${addresses.relayPort}; what it logs is in cluster.log`);
      return pod;
    },
    stop: async () => {
      unwatch();
      relay.close();
      await Promise.all([serving.stop(), servingInside.close()]);
    },
  };
}

interface RelaySettings {
  readonly update: () => Promise<void>;
  readonly nodesSecure: () => boolean;
  /** Calls when that has changed, until what it gives back is called. */
  readonly subscribe: (changed: () => void) => () => void;
  readonly pool: () => PoolTls;
  readonly security: () => ServerSecurity;
  /** Calls with what holds from then on, until what it gives back is called. */
  readonly onSecurity: (use: (security: ServerSecurity) => void) => () => void;
}

function followSettings({ store, files, log }: RelayOptions): RelaySettings {
  const watchers = new Set<() => void>();
  let nodesSecure = false;
  let security: ServerSecurity = { kind: 'closed' };
  let pool: PoolTls = { use: 'never', material: () => undefined };
  const users = new Set<(security: ServerSecurity) => void>();
  let seenText: string | undefined;
  const open = (of: TlsFiles): (() => ReturnType<ReturnType<typeof openTlsFiles>>) =>
    openTlsFiles({
      files: of,
      locate: (file) => path.join(files, path.posix.normalize(`/${file}`)),
      onFault: (issue) => log.error({ issue: formatIssue(issue) }, 'a file for TLS of Hubble Relay cannot be used'),
      onRead: (again) => log.info(again ? 'TLS files of Hubble Relay have changed' : 'Hubble Relay has read TLS files'),
    });
  const update = async (): Promise<void> => {
    const nodes = readNodeTls(dataOf(store, 'cilium-config'));
    // The agents log what is wrong with it.
    if (nodes.ok && nodesSecure !== (nodes.value !== undefined)) {
      nodesSecure = !nodesSecure;
      for (const changed of watchers) changed();
    }
    const text = dataOf(store, 'hubble-relay-config')['config.yaml'] ?? '';
    if (text === seenText) return;
    seenText = text;
    const read = await readConfig(text);
    if (!read.ok) {
      log.error({ issues: read.error.map(formatIssue) }, 'TLS of Hubble Relay is not changed');
      return;
    }
    const { server, client } = read.value;
    security = server ? { kind: 'tls', material: open(server) } : { kind: 'plain' };
    pool = { use: client.use, material: open(client.files) };
    // What is wrong with the files is told now, not when somebody connects.
    if (security.kind === 'tls') security.material();
    for (const use of users) use(security);
  };
  return {
    update,
    nodesSecure: () => nodesSecure,
    subscribe: (changed) => {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    },
    pool: () => pool,
    security: () => security,
    onSecurity: (use) => {
      users.add(use);
      return () => void users.delete(use);
    },
  };
}

function dataOf(store: Store, name: string): Readonly<Record<string, string>> {
  return (store.get('configmaps', 'kube-system', name)?.['data'] ?? {}) as Readonly<Record<string, string>>;
}

async function readConfig(text: string): Promise<ReturnType<typeof readRelayTls>> {
  if (text === '') return readRelayTls(undefined);
  const { parse } = await import('yaml');
  try {
    return readRelayTls(parse(text));
  } catch (error) {
    return fail([{ path: 'hubble-relay-config: config.yaml', message: (error as Error).message }]);
  }
}
