import { chmodSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { LearntRecord } from '../dns/index.ts';

/** What the agent tells of itself. */
export interface AgentFacts {
  /** What the node's endpoints know of names at this moment. */
  readonly learnt: () => readonly LearntRecord[];
  /** The number of an endpoint by its address, 0 for what is none. */
  readonly endpointId: (address: string) => number;
}

export interface AgentApi {
  close(): Promise<void>;
}

const limits = { headersTimeout: 2_000, requestTimeout: 2_000, keepAliveTimeout: 1_000, maxHeaderSize: 4_096 };
const connectionsMax = 16;

/**
 * Serves the agent's API on a Unix socket that only its user can open, replacing what an agent before left there. It has of Cilium's
 * (`api/v1`, on `cilium.sock`) `GET /v1/fqdn/cache` without parameters. Rejects when the path cannot be had.
 */
export async function serveAgentApi(path: string, facts: AgentFacts): Promise<AgentApi> {
  rmSync(path, { force: true });
  const server = http.createServer(limits, (request, response) => {
    const { status, body } = answerTo(request, facts, Date.now());
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** As Cilium's agent answers: 404 also when there is nothing to list. */
function answerTo(
  { method, url }: http.IncomingMessage,
  facts: AgentFacts,
  nowMs: number,
): { readonly status: number; readonly body: string } {
  if (url !== '/v1/fqdn/cache') return { status: 404, body: JSON.stringify(`path ${url} was not found`) };
  if (method !== 'GET') return { status: 405, body: JSON.stringify(`method ${method} is not allowed`) };
  const lookups = dnsLookups(facts, nowMs);
  return lookups.length === 0 ? { status: 404, body: '' } : { status: 200, body: JSON.stringify(lookups) };
}

/**
 * Cilium's `DNSLookup`, without when and with what TTL it was learnt. What one endpoint knows of one name until one time is one entry; what has
 * run out and is still connected to has the source `connection`.
 * @param nowMs the wall clock
 */
export function dnsLookups({ learnt, endpointId }: AgentFacts, nowMs: number): readonly object[] {
  const lookups = new Map<string, { readonly ips: string[] }>();
  for (const { endpoint, name, address, leftMs } of learnt()) {
    const key = `${endpoint} ${name} ${leftMs}`;
    const known = lookups.get(key);
    if (known) {
      known.ips.push(address);
      continue;
    }
    const entry = {
      fqdn: name,
      ips: [address],
      'expiration-time': new Date(Math.round(nowMs + leftMs)).toISOString(),
      'endpoint-id': endpointId(endpoint),
      source: leftMs > 0 ? 'lookup' : 'connection',
    };
    lookups.set(key, entry);
  }
  return [...lookups.values()];
}
