import http from 'node:http';
import { fail, ok, parseIp, type Result } from '../../base/index.ts';
import { agentApiSocketFrom, clusterHome, isRunning, readRecord } from '../../embedded/index.ts';
import type { Cluster } from '../../plan/index.ts';

type LearntNames = Cluster['learntNames'];
type Learnt = LearntNames extends ReadonlyMap<string, infer Value> ? Value : never;

const timeoutMs = 2_000;
/** More than an agent's limits let it have. */
const bytesMax = 256 << 20;
const nodeName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * What the agents of the running cluster have learnt from DNS. Only this machine's own cluster can be asked, by the user who started it: an agent
 * tells it on a Unix socket. For any other cluster each node has the reason instead.
 * @param server the API server's URL in the kubeconfig
 */
export async function learntNamesOf(
  server: string,
  nodes: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<LearntNames> {
  const home = clusterHome(environment);
  const record = readRecord(home);
  if (!record || !isRunning(record) || !isServedBy(server, record.apiPort)) {
    const why = fail(`${server} is not the cluster of ${home.directory}, whose agents could be asked`);
    return new Map(nodes.map((node) => [node, why]));
  }
  const asked = nodes.map(async (node): Promise<readonly [string, Learnt]> => {
    if (!nodeName.test(node)) return [node, fail(`${JSON.stringify(node)} is no name of a node`)];
    return [node, await askAgent(node, agentApiSocketFrom(record, node))];
  });
  return new Map(await Promise.all(asked));
}

function isServedBy(server: string, port: number): boolean {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  return url !== undefined && ['127.0.0.1', 'localhost'].includes(url.hostname) && url.port === String(port);
}

async function askAgent(node: string, socketPath: string): Promise<Learnt> {
  const answer = await get(socketPath, '/v1/fqdn/cache');
  if (!answer.ok) return fail(`the agent of ${node} does not answer: ${answer.error}`);
  const { status, body } = answer.value;
  // So it says that there is nothing.
  if (status === 404) return ok(new Map());
  const names = status === 200 ? namesIn(body) : undefined;
  return names ? ok(names) : fail(`the agent of ${node} gives no list of names (status ${status})`);
}

function get(socketPath: string, path: string): Promise<Result<{ status: number; body: string }, string>> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const options = { socketPath, path, agent: false, signal };
    const failed = (error: Error) => resolve(fail(signal.aborted ? `not within ${timeoutMs} ms` : error.message));
    const request = http.get(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        body += piece;
        if (body.length > bytesMax) request.destroy(new Error('the answer is too long'));
      });
      response.once('end', () => resolve(ok({ status: response.statusCode ?? 0, body })));
      response.once('error', failed);
    });
    request.once('error', failed);
  });
}

/** The names of a list of Cilium's `DNSLookup`, each with its addresses; undefined where it is none. */
export function namesIn(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  const names = new Map<string, Set<string>>();
  for (const lookup of listIn(text) ?? [undefined]) {
    const { fqdn, ips } = (lookup ?? {}) as { readonly fqdn?: unknown; readonly ips?: unknown };
    if (typeof fqdn !== 'string' || !Array.isArray(ips)) return undefined;
    const known = names.get(fqdn) ?? new Set();
    names.set(fqdn, known);
    for (const address of ips) {
      if (typeof address !== 'string' || !parseIp(address)) return undefined;
      known.add(address);
    }
  }
  return new Map([...names].map(([name, addresses]) => [name, [...addresses].sort()]));
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read : undefined;
  } catch {
    return undefined;
  }
}
