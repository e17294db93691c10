import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fail, ok, type Result } from '../base/index.ts';

const file = '/proc/net/nf_conntrack';
/** Connections that are over and only remembered. */
const overStates = ['TIME_WAIT', 'CLOSE', 'LAST_ACK'];

/**
 * The pairs `SOURCE DESTINATION` of the connections that this network namespace tracks, of those that `isWanted` asks for.
 * Source and destination are those of the first packet, after Service translation of the destination. A text when the kernel does not tell.
 */
export async function trackedConnections(
  isWanted: (source: string, destination: string) => boolean,
): Promise<Result<ReadonlySet<string>, string>> {
  const pairs = new Set<string>();
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      const pair = connectionOf(line);
      if (pair && isWanted(...pair)) pairs.add(pair.join(' '));
    }
    return ok(pairs);
  } catch (error) {
    return fail(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Source and backend of one line of the kernel's table; undefined for connections that are over and lines of another form.
 * The backend is the source of the answers: behind a Service that is not what was asked for.
 */
export function connectionOf(line: string): readonly [source: string, destination: string] | undefined {
  if (!line.startsWith('ipv4')) return undefined;
  if (overStates.some((state) => line.includes(` ${state} `))) return undefined;
  const sources = [...line.matchAll(/ src=(\S+)/g)].map(([, address]) => address);
  const [source, backend] = sources;
  return source === undefined || backend === undefined ? undefined : [source, backend];
}
