import { createObserver, observerServices, serveGrpc } from '../../src/hubble/index.ts';
import { type GetFlowsResponse, readJson, toTimestamp } from '../../src/model/flow/index.ts';

export interface LiveHubble {
  /** `host:port` of an Observer. */
  readonly address: string;
  /** Takes lines of a recording as flows of this moment. */
  readonly push: (lines: readonly string[]) => void;
  readonly close: () => Promise<void>;
}

const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

/** An Observer with an empty ring on a free port, or on the one that is given. */
export async function startLiveHubble(port = 0): Promise<LiveHubble> {
  const observer = createObserver({ nodeName: 'ciliate/node-1', version: 'test', now, capacity: 65_535 });
  const peers = { list: () => [], subscribe: () => () => {} };
  const serving = await serveGrpc(observerServices(observer, peers), { host: '127.0.0.1', port });
  return {
    address: `127.0.0.1:${serving.port}`,
    push(lines) {
      for (const line of lines) {
        const read = readJson<GetFlowsResponse>('observer.GetFlowsResponse', line);
        if (!read.ok) throw new Error(read.error);
        const { flow } = read.value.message;
        if (flow) observer.push({ ...flow, time: toTimestamp(now()) });
      }
    },
    close: serving.close,
  };
}
