import type { Level } from '../log/levels.ts';

/** An operator's wish that every worker fulfils. */
export type Command =
  | { readonly kind: 'resetCounters' | 'flushStats' | 'reopenLogs' }
  /** Connections end with their responses, little by little or at once. */
  | { readonly kind: 'drain'; readonly inboundOnly: boolean }
  /** Nothing new is accepted; what is connected stays. */
  | { readonly kind: 'stopListeners'; readonly inboundOnly: boolean }
  | { readonly kind: 'failHealth'; readonly failed: boolean }
  | { readonly kind: 'setLevels'; readonly levels: readonly (readonly [string, Level])[] }
  | { readonly kind: 'modifyRuntime'; readonly changes: readonly (readonly [string, string])[] };
