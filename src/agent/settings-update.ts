import { formatIssue, type Issue, type Logger, type Result } from '../base/index.ts';
import type { ConfigMap } from '../plan/index.ts';

export interface SettingsUpdateOptions<Settings> {
  /** The ConfigMap of kube-system with this name. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  /** Which keys of `cilium-config` the settings are read from. */
  readonly keys: RegExp;
  readonly read: (data: Readonly<Record<string, string>>) => Result<Settings, readonly Issue[]>;
  /** Takes what holds from now on. */
  readonly use: (settings: Settings) => void;
  /** What is logged when the settings are not understood. */
  readonly unchanged: string;
  readonly log: Logger;
}

/**
 * Takes over settings of `cilium-config` whenever it is called and they have changed. What is not understood is logged with its key and what is allowed there,
 * and what was in force stays.
 */
export function createSettingsUpdate<Settings>(options: SettingsUpdateOptions<Settings>): () => void {
  const { configMap, keys, read, use, unchanged, log } = options;
  let seen: string | undefined;
  return () => {
    const data = configMap('cilium-config')?.data ?? {};
    const settings = JSON.stringify(Object.entries(data).filter(([key]) => keys.test(key)));
    if (settings === seen) return;
    seen = settings;
    const result = read(data);
    if (result.ok) use(result.value);
    else log.error({ issues: result.error.map(formatIssue) }, unchanged);
  };
}
