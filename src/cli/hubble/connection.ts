import type { Command } from 'commander';
import { createHubbleClient, HubbleCallError, type HubbleClient } from '../../hubble/index.ts';
import { Fault } from './fault.ts';
import { parseDuration } from './observe/time.ts';

const defaultServer = 'localhost:4245';

/** Adds the flags that say where the server is. */
export function addServerFlags(command: Command): Command {
  return command
    .option('--server <address>', 'address of a Hubble Relay or Observer', defaultServer)
    .option('--timeout <duration>', 'time to connect', '5s')
    .option('--request-timeout <duration>', 'time for one request', '12s')
    .option('--config <file>', 'config file')
    .option('-D, --debug', 'print every node status');
}

export interface ServerFlags {
  readonly server: string;
  readonly timeout: string;
  readonly requestTimeout: string;
}

/** Connects as the flags say and hands the client to `use`; closes it afterwards. Failures become one-line faults. */
export async function withClient<T>(flags: ServerFlags, use: (client: HubbleClient) => Promise<T>): Promise<T> {
  if (flags.server.startsWith('tls://')) {
    throw new Fault(
      `invalid --server value: ${flags.server}; allowed: host:port or unix:///path, TLS is not supported`,
    );
  }
  const client = await createHubbleClient({
    server: flags.server,
    timeoutMs: milliseconds('timeout', flags.timeout),
    requestTimeoutMs: milliseconds('request-timeout', flags.requestTimeout),
  });
  try {
    await client.connect();
    return await use(client);
  } catch (error) {
    throw error instanceof HubbleCallError ? new Fault(error.message) : error;
  } finally {
    client.close();
  }
}

function milliseconds(flag: string, text: string): number {
  const duration = parseDuration(text);
  if (duration === undefined || duration <= 0n) {
    throw new Fault(`invalid --${flag} value: ${text}; allowed: a duration such as 5s`);
  }
  return Number(duration / 1_000_000n);
}
