import type { Neighbours } from '../cluster/neighbours.ts';
import type { Fields } from '../config/fields.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { SharedBuckets } from '../rate-limit/shared.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { StatsScope } from '../stats/store.ts';

/** A client's connection as network filters see it. */
export interface NetworkStream {
  readonly info: StreamInfo;
  /** Closes the connection at once, what is unread with it. `details`: Envoy's connection termination details; empty for none. */
  close(details: string): void;
  /** Leaves what the client sends from now on where it is. */
  stopReading(): void;
  /** Goes on with the filters behind the one that stopped last. */
  resume(): void;
}

/** What a hook answers. `stop`: the filters behind hear nothing until this one resumes or lets later bytes pass. */
export type NetworkVerdict = 'continue' | 'stop';

/** What a network filter does on one connection. */
export interface NetworkHooks {
  onConnection?(): NetworkVerdict;
  /** All bytes that no filter has let pass yet; `end`: the client sends nothing more. */
  onBytes?(bytes: Buffer, end: boolean): NetworkVerdict;
  onClosed?(): void;
}

/** A compiled network filter that does not end its chain. */
export interface NetworkFilter {
  begin(stream: NetworkStream): NetworkHooks;
}

export interface NetworkFilterContext {
  readonly stats: StatsScope;
  readonly runtime: Runtime;
  readonly sharedBuckets: SharedBuckets;
  readonly clusters: Neighbours;
}

/** One kind of network filter. */
export interface NetworkFilterKind {
  /** Full name of the configuration message. */
  readonly type: string;
  readonly read: (fields: Fields, context: NetworkFilterContext) => NetworkFilter;
}
