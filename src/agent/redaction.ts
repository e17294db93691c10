import { formatIssue, type Logger } from '../base/index.ts';
import { type Redaction, readRedaction } from '../hubble/index.ts';
import type { ConfigMap } from '../plan/index.ts';

export interface RedactionOptions {
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Takes what holds for the events from now on. */
  readonly use: (redaction: Redaction) => void;
  readonly log: Logger;
}

/**
 * Takes over `hubble-redact-*` of `cilium-config` whenever it is called and they have changed. What is not understood is logged with its key and what is
 * allowed there, and what was in force stays.
 */
export function createRedactionUpdate({ configMap, use, log }: RedactionOptions): () => void {
  let seen: string | undefined;
  return () => {
    const data = configMap('cilium-config')?.data ?? {};
    const settings = JSON.stringify(Object.entries(data).filter(([key]) => key.startsWith('hubble-redact-')));
    if (settings === seen) return;
    seen = settings;
    const read = readRedaction(data);
    if (read.ok) use(read.value);
    else log.error({ issues: read.error.map(formatIssue) }, 'redaction of flows is not changed');
  };
}
