import { createHubbleClient, type HubbleClient } from '../../hubble/index.ts';
import { toNumber } from '../../model/flow/index.ts';
import { serverOf } from '../hubble/index.ts';
import type { CommandIo } from '../io.ts';

const timeoutMs = 2_000;

export interface RelayStatus {
  readonly connected: number;
  readonly unavailable: number;
  /** Why the relay could not be asked. */
  readonly error?: string;
}

/** How many nodes Hubble Relay at HUBBLE_SERVER (or its usual port) is connected to. */
export async function relayStatus(io: CommandIo): Promise<RelayStatus> {
  const server = io.environment['HUBBLE_SERVER'] ?? 'localhost:4245';
  let client: HubbleClient | undefined;
  try {
    const to = serverOf(server, io.environment);
    client = await createHubbleClient({ ...to, timeoutMs, requestTimeoutMs: timeoutMs });
    await client.connect();
    const status = await client.serverStatus();
    return {
      connected: toNumber(status.num_connected_nodes?.value ?? 0),
      unavailable: toNumber(status.num_unavailable_nodes?.value ?? 0),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { connected: 0, unavailable: 0, error: `Hubble Relay at ${server}: ${reason}` };
  } finally {
    client?.close();
  }
}
