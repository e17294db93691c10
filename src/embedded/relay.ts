import net from 'node:net';
import { createRelay, serveGrpc } from '../hubble/index.ts';
import { addresses, clusterName, version } from './addons.ts';

export interface RelayOptions {
  /** An inherited listening descriptor: the host's loopback. */
  readonly descriptor: number;
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
}

/** Serves Hubble Relay over all nodes on a socket that the launcher opened. */
export async function startRelay({ descriptor, nodes }: RelayOptions): Promise<{ stop(): Promise<void> }> {
  const peers = nodes.map(({ name, address }) => ({
    name: `${clusterName}/${name}`,
    address: `${address}:${addresses.hubblePort}`,
  }));
  const relay = await createRelay({
    peers: () => peers,
    nodeName: `${clusterName}/hubble-relay`,
    version,
    now: () => BigInt(Date.now()) * 1_000_000n,
  });
  const listener = net.createServer();
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen({ fd: descriptor }, resolve);
  });
  const serving = await serveGrpc(relay.services, { listener });
  return {
    stop: async () => {
      relay.close();
      await serving.close();
      listener.close();
    },
  };
}
