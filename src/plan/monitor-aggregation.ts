import { parseDuration } from '../base/index.ts';
import type { ConfigFault } from './agent-config.ts';
import { type MonitorAggregation, type TcpFlag, tcpFlags } from './node-plan.ts';

/** Of Cilium's Helm chart. */
export const defaultMonitorAggregation: MonitorAggregation = { level: 'medium', intervalSeconds: 5, flags: tcpFlags };

/** Names and numbers of `pkg/option` of Cilium, which tells the levels of a line apart in name only. */
const levels: Readonly<Record<string, MonitorAggregation['level']>> = {
  '': 'none',
  none: 'none',
  disabled: 'none',
  0: 'none',
  lowest: 'low',
  low: 'low',
  1: 'low',
  2: 'low',
  medium: 'medium',
  max: 'medium',
  maximum: 'medium',
  3: 'medium',
  4: 'medium',
};
const mostSeconds = 3600;

/**
 * From `cilium-config`: `monitor-aggregation` (none, low, medium and their other names, whatever the case), `monitor-aggregation-interval` (a Go duration, from 1s to
 * 1h; parts of a second count for nothing, as in Cilium) and `monitor-aggregation-flags` (names of TCP flags apart by commas, or all). What is not set is as in
 * Cilium's Helm chart; what is not understood, too, and is told.
 */
export function monitorAggregationOf(
  data: Readonly<Record<string, string>>,
  onFault: (fault: ConfigFault) => void,
): MonitorAggregation {
  const read = <T>(name: string, of: (value: string) => T | undefined, fallback: T, allowed: readonly string[]): T => {
    const key = `monitor-aggregation${name}`;
    const value = data[key];
    if (value === undefined) return fallback;
    const found = of(value);
    if (found === undefined) onFault({ key, value, allowed });
    return found ?? fallback;
  };
  const { level, intervalSeconds, flags } = defaultMonitorAggregation;
  return {
    level: read('', levelOf, level, ['none', 'low', 'medium', 'maximum']),
    intervalSeconds: read('-interval', secondsOf, intervalSeconds, ['a duration from 1s to 1h']),
    flags: read('-flags', flagsOf, flags, ['all', ...tcpFlags]),
  };
}

function levelOf(value: string): MonitorAggregation['level'] | undefined {
  const name = value.toLowerCase();
  return Object.hasOwn(levels, name) ? levels[name] : undefined;
}

function secondsOf(value: string): number | undefined {
  const seconds = Number((parseDuration(value) ?? 0n) / 1_000_000_000n);
  return seconds >= 1 && seconds <= mostSeconds ? seconds : undefined;
}

function flagsOf(value: string): readonly TcpFlag[] | undefined {
  const names = value.split(/[\s,]+/).flatMap((name) => (name === '' ? [] : [name.toLowerCase()]));
  if (names.some((name) => name !== 'all' && !tcpFlags.some((flag) => flag === name))) return undefined;
  return names.includes('all') ? tcpFlags : tcpFlags.filter((flag) => names.includes(flag));
}
