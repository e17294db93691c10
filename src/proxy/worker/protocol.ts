import type { Issue } from '../../base/index.ts';
import type { GrpcLogConfig } from '../accesslog/grpc.ts';
import type { BindConfig } from '../cluster/config/binding.ts';
import type { HostCounts } from '../cluster/host-counts.ts';
import type { NodeName } from '../config/bootstrap.ts';
import type { JsonObject } from '../config/fields.ts';
import type { DrainSettings } from '../listener/drain.ts';
import type { Level } from '../log/levels.ts';
import type { OverloadSetup } from '../overload/worker.ts';
import type { InheritedSocket } from '../restart/inherited.ts';
import type { Sample } from '../stats/kind.ts';
import type { TransportKind } from '../transport/channels.ts';
import type { Change } from './change.ts';
import type { Command } from './command.ts';

/** What a worker thread is started with. */
export interface ThreadData {
  readonly worker: number;
  readonly workers: number;
  readonly logFlushMs: number | undefined;
  readonly moduleFolders: readonly string[];
  readonly fixedSecrets: readonly JsonObject[];
  readonly ticketSeed: Uint8Array;
  readonly logLevels: readonly (readonly [string, Level])[];
  readonly node: NodeName;
  readonly bindConfig: BindConfig | undefined;
  /** `layered_runtime` of the bootstrap, which was read without issues before. */
  readonly runtime: JsonObject | undefined;
  readonly drain: DrainSettings;
  readonly overload: OverloadSetup | undefined;
  readonly inherited: readonly InheritedSocket[];
  /** What the main thread found to work. */
  readonly transport: TransportKind;
}

/** A socket that listens, by its address; the descriptor stays the worker's. */
export interface ListeningDescriptor {
  readonly address: string;
  readonly fd: number;
}

export type Request =
  | { readonly kind: 'apply'; readonly changes: readonly Change[] }
  | { readonly kind: 'stats' | 'hostCounts' | 'descriptors' }
  | { readonly kind: 'command'; readonly command: Command }
  | { readonly kind: 'stop'; readonly drainMs: number };

export interface Answer {
  readonly issues?: readonly (readonly Issue[])[];
  readonly samples?: readonly Sample[];
  readonly descriptors?: readonly ListeningDescriptor[];
  readonly hostCounts?: ReadonlyMap<string, HostCounts>;
}

/** What a thread sends. */
export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  /** `entries` as `Entries` holds them. */
  | { readonly kind: 'log'; readonly config: GrpcLogConfig; readonly entries: Uint8Array; readonly count: number };
