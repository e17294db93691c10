import { type AgentEvent, enumName, toBigint } from '../../model/flow/index.ts';
import { terminalSafe } from './colour.ts';
import { printTime } from './time-format.ts';

/** The event's type name, for instance `ENDPOINT_CREATED`. */
export function agentEventTypeText(event: AgentEvent): string {
  return enumName('flow.AgentEventType', event.type ?? 0) ?? String(event.type);
}

/** What the event says besides its type, as Hubble prints it in parentheses. */
export function agentEventDetails(event: AgentEvent, timeFormat: string): string {
  return terminalSafe(details(event, timeFormat));
}

function details(event: AgentEvent, timeFormat: string): string {
  const { policy_update: policy, endpoint_regenerate: regenerate, endpoint_update: endpoint } = event;
  if (event.agent_start) return `start time: ${printTime(event.agent_start.time, timeFormat)}`;
  if (policy) {
    const labels = (policy.labels ?? []).join(',');
    return `labels: [${labels}], revision: ${toBigint(policy.revision)}, count: ${toBigint(policy.rule_count)}`;
  }
  if (regenerate) {
    const error = regenerate.error ? `, error: ${regenerate.error}` : '';
    return `id: ${toBigint(regenerate.id)}, labels: [${(regenerate.labels ?? []).join(',')}]${error}`;
  }
  if (endpoint) {
    const namespace = endpoint.namespace ? `, namespace: ${endpoint.namespace}` : '';
    const pod = endpoint.pod_name ? `, pod name: ${endpoint.pod_name}` : '';
    return `id: ${toBigint(endpoint.id)}${namespace}${pod}`;
  }
  if (event.ipcache_update) return ipcacheDetails(event.ipcache_update);
  return event.unknown ? `type: ${event.unknown.type ?? ''}, notification: ${event.unknown.notification ?? ''}` : '';
}

function ipcacheDetails(update: NonNullable<AgentEvent['ipcache_update']>): string {
  const parts = [`cidr: ${update.cidr ?? ''}`, `identity: ${update.identity ?? 0}`];
  if (update.old_identity) parts.push(`old identity: ${update.old_identity.value ?? 0}`);
  if (update.host_ip) parts.push(`host ip: ${update.host_ip}`);
  if (update.old_host_ip) parts.push(`old host ip: ${update.old_host_ip}`);
  parts.push(`encrypt key: ${update.encrypt_key ?? 0}`);
  return parts.join(', ');
}
