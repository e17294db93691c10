import type { NetworkFilterKind } from './filter.ts';
import { CLUSTER_KEY } from './tcp-route.ts';

/** `envoy.filters.network.sni_cluster`: the server name of a client hello is the cluster that the TCP proxy sends to. */
export const sniClusterFilter: NetworkFilterKind = {
  type: 'envoy.extensions.filters.network.sni_cluster.v3.SniCluster',
  read: () => ({
    begin: ({ info }) => ({
      onConnection: () => {
        const name = info.peers.hello?.serverName ?? '';
        if (name !== '') info.filterState = { ...info.filterState, [CLUSTER_KEY]: name };
        return 'continue';
      },
    }),
  }),
};
