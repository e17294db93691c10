import type { ClientCodec } from '../http/codec-config.ts';
import type { Greeting } from '../proxy-protocol/upstream.ts';
import type { ByteCounts } from '../transport/transport.ts';
import type { UpstreamBinding } from './config/binding.ts';
import type { HappyEyeballs } from './happy-eyeballs.ts';
import type { ResetReason } from './reset.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** What owns a connection between requests. */
export interface ConnectionOwner {
  onConnected(connection: UpstreamConnection): void;
  onConnectFailed(connection: UpstreamConnection, reason: ResetReason, detail: string): void;
  /** The response is complete; `reusable` tells whether another request may follow. */
  onReleased(connection: UpstreamConnection, reusable: boolean): void;
  onClosed(connection: UpstreamConnection): void;
  /** The upstream sent what HTTP does not allow. */
  onProtocolError(): void;
  /** Another address of the host is tried. */
  onAnotherAddress(): void;
  /** An address of the host cannot even be tried. */
  onAddressRefused(error: unknown): void;
  readonly bytes: ByteCounts;
}

/** How the connections of a cluster are made. */
export interface ConnectionSettings {
  readonly binding: UpstreamBinding | undefined;
  /** Milliseconds, 0 for ever. */
  readonly connectTimeout: number;
  readonly codec: ClientCodec;
  readonly eyeballs: HappyEyeballs;
  /** Bytes that may wait; 0: as many as without a limit of the operator's. */
  readonly bufferLimit: number;
  /** What they begin with; undefined: nothing but what they carry. */
  readonly greeting?: Greeting | undefined;
}
