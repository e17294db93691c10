import type { Level } from '../log/levels.ts';
import type { OverloadStates } from '../overload/judge.ts';
import type { ResourceKind } from './change.ts';

/** An operator's wish that every worker fulfils. */
export type Command =
  | { readonly kind: 'resetCounters' | 'flushStats' | 'reopenLogs' }
  /** Connections end with their responses, little by little or at once. */
  | { readonly kind: 'drain'; readonly inboundOnly: boolean }
  /** Nothing new is accepted; what is connected stays. */
  | { readonly kind: 'stopListeners'; readonly inboundOnly: boolean }
  /** Listeners wait until the proxy is initialized; what they need is subscribed to; the proxy is initialized. */
  | { readonly kind: 'holdListeners' | 'beginListeners' | 'startListeners' }
  /** What came under these names was of no use. */
  | { readonly kind: 'refuse'; readonly of: ResourceKind; readonly names: readonly string[] }
  | { readonly kind: 'failHealth'; readonly failed: boolean }
  | { readonly kind: 'setLevels'; readonly levels: readonly (readonly [string, Level])[] }
  | { readonly kind: 'overload'; readonly states: OverloadStates }
  | { readonly kind: 'modifyRuntime'; readonly changes: readonly (readonly [string, string])[] };
