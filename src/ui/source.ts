import type { Result } from '../base/index.ts';
import { createHubbleClient, HubbleCallError, type HubbleClient, type HubbleClientOptions } from '../hubble/index.ts';
import type { FlowFilter, GetFlowsResponse } from '../model/flow/index.ts';

export interface UiFilters {
  readonly whitelist: FlowFilter[];
  readonly blacklist: FlowFilter[];
}

/** Reads the text of filters in the syntax of `hubble observe`; the error is one line for the user. */
export type ReadFilters = (text: string) => Result<UiFilters, string>;

/** An open stream of flows; `cancel` ends it without an error. */
export interface OpenFlows extends AsyncIterable<GetFlowsResponse> {
  readonly cancel: () => void;
}

export interface FlowSource {
  /** `live` goes on and may lose flows towards a slow browser; `recording` ends and waits for the browser. */
  readonly kind: 'live' | 'recording';
  /** Where the flows come from, for the page's header: an address or the name of a file. */
  readonly name: string;
  readonly open: (filters: UiFilters, last: number) => Promise<OpenFlows>;
  readonly namespaces: () => Promise<readonly string[]>;
}

const unavailable = 14;

type Server = Pick<HubbleClientOptions, 'server' | 'tls'>;

/** Flows of a Hubble Relay or Observer. Each stream has a connection of its own, which ends with it. */
export function relaySource(server: Server, name: string = server.server): FlowSource {
  return {
    kind: 'live',
    name,
    async open(filters, last) {
      const client = await connected(server);
      const stream = client.getFlows({ number: last, follow: true, ...filters });
      return {
        cancel: stream.cancel,
        async *[Symbol.asyncIterator]() {
          try {
            yield* stream;
          } finally {
            client.close();
          }
        },
      };
    },
    async namespaces() {
      const client = await connected(server);
      try {
        const { namespaces = [] } = await client.getNamespaces();
        return [...new Set(namespaces.map(({ namespace = '' }) => namespace))].filter((name) => name !== '').sort();
      } finally {
        client.close();
      }
    },
  };
}

async function connected(server: Server): Promise<HubbleClient> {
  const client = await createHubbleClient(server);
  try {
    await client.connect();
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Flows of a recording; `read` gives them in the order of the file. */
export function recordedSource(
  name: string,
  read: (filters: UiFilters) => AsyncIterable<GetFlowsResponse>,
): FlowSource {
  return {
    kind: 'recording',
    name,
    open: async (filters) => {
      let cancelled = false;
      return {
        cancel: () => {
          cancelled = true;
        },
        async *[Symbol.asyncIterator]() {
          for await (const response of read(filters)) {
            if (cancelled) return;
            yield response;
          }
        },
      };
    },
    namespaces: async () => [],
  };
}

/** True where asking again may help: the server is away. False where the request itself is refused. */
export function isPassing(error: unknown): boolean {
  return error instanceof HubbleCallError && (error.code === unavailable || error.code === 4);
}
