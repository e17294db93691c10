import type { Logger } from '../base/index.ts';
import { type Redaction, readRedaction } from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';
import { createSettingsUpdate } from './settings-update.ts';

export interface RedactionOptions {
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Takes what holds for the events from now on. */
  readonly use: (redaction: Redaction) => void;
  readonly log: Logger;
}

/** Takes over `hubble-redact-*` of `cilium-config` whenever it is called and they have changed. */
export function createRedactionUpdate(options: RedactionOptions): () => void {
  return createSettingsUpdate({
    ...options,
    keys: /^hubble-redact-/,
    read: readRedaction,
    unchanged: 'redaction of flows is not changed',
  });
}
