import path from 'node:path';
import { fail, formatIssue, type Logger } from '../base/index.ts';
import type { Store } from '../cluster/apiserver/index.ts';
import {
  createRelay,
  hubbleServerName,
  openTlsFiles,
  type PoolTls,
  readNodeTls,
  readRelayTls,
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

/**
 * Serves Hubble Relay over all nodes on a socket that the launcher opened. TLS follows the ConfigMaps while it runs: `hubble-relay-config` for its own server and
 * its own certificates, `cilium-config` for whether the nodes serve with TLS. What is not understood is logged, and what was in force stays.
 */
export async function startRelay(options: RelayOptions): Promise<{ stop(): Promise<void> }> {
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
  const serving = await serveGrpc(relay.services, { fd: descriptor }, settings.security());
  settings.onSecurity(serving.use);
  const unwatch = store.watch('configmaps', () => {
    settings.update().catch((error: Error) => log.error({ error: error.message }, 'settings of Hubble Relay'));
  });
  return {
    stop: async () => {
      unwatch();
      relay.close();
      await Promise.all([serving.close(), servingInside.close()]);
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
  readonly onSecurity: (use: (security: ServerSecurity) => void) => void;
}

function followSettings({ store, files, log }: RelayOptions): RelaySettings {
  const watchers = new Set<() => void>();
  let nodesSecure = false;
  let security: ServerSecurity = { kind: 'closed' };
  let pool: PoolTls = { use: 'never', material: () => undefined };
  let use = (_security: ServerSecurity): void => {};
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
    use(security);
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
    onSecurity: (given) => {
      use = given;
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
