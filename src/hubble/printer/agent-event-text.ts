import { type AgentEvent, AgentEventType, type ServiceAddress, toBigint } from '../../model/flow/index.ts';

type PrintTime = (time: NonNullable<AgentEvent['agent_start']>['time']) => string;

/** What the event says besides its type, as Hubble prints it in parentheses. An event without what belongs to its type says `UNKNOWN`. */
export function agentEventDetails(event: AgentEvent, printTime: PrintTime): string {
  return detailsOf(event, printTime) ?? 'UNKNOWN';
}

function detailsOf(event: AgentEvent, printTime: PrintTime): string | undefined {
  const { unknown, agent_start: start } = event;
  switch (event.type ?? AgentEventType.AGENT_EVENT_UNKNOWN) {
    case AgentEventType.AGENT_EVENT_UNKNOWN:
      return unknown ? `type: ${unknown.type ?? ''}, notification: ${unknown.notification ?? ''}` : undefined;
    case AgentEventType.AGENT_STARTED:
      return start ? `start time: ${printTime(start.time)}` : undefined;
    case AgentEventType.POLICY_UPDATED:
    case AgentEventType.POLICY_DELETED:
      return event.policy_update ? policyDetails(event.policy_update) : undefined;
    case AgentEventType.ENDPOINT_REGENERATE_SUCCESS:
    case AgentEventType.ENDPOINT_REGENERATE_FAILURE:
      return event.endpoint_regenerate ? regenerateDetails(event.endpoint_regenerate) : undefined;
    case AgentEventType.ENDPOINT_CREATED:
    case AgentEventType.ENDPOINT_DELETED:
      return event.endpoint_update ? endpointDetails(event.endpoint_update) : undefined;
    case AgentEventType.IPCACHE_UPSERTED:
    case AgentEventType.IPCACHE_DELETED:
      return event.ipcache_update ? ipcacheDetails(event.ipcache_update) : undefined;
    case AgentEventType.SERVICE_UPSERTED:
      return event.service_upsert ? serviceDetails(event.service_upsert) : undefined;
    case AgentEventType.SERVICE_DELETED:
      return event.service_delete ? `id: ${event.service_delete.id ?? 0}` : undefined;
    default:
      return undefined;
  }
}

type Part<Name extends keyof AgentEvent> = NonNullable<AgentEvent[Name]>;

/** The named texts that are not empty. */
function given(texts: readonly (readonly [name: string, text: string | undefined])[]): string[] {
  return texts.filter(([, text]) => text !== undefined && text !== '').map(([name, text]) => `${name}: ${text}`);
}

function policyDetails({ labels = [], revision, rule_count: count }: Part<'policy_update'>): string {
  return `labels: [${labels.join(',')}], revision: ${toBigint(revision)}, count: ${toBigint(count)}`;
}

function regenerateDetails({ id, labels = [], error }: Part<'endpoint_regenerate'>): string {
  return [`id: ${toBigint(id)}`, `labels: [${labels.join(',')}]`, ...given([['error', error]])].join(', ');
}

function endpointDetails({ id, namespace, pod_name: pod }: Part<'endpoint_update'>): string {
  const names = given([
    ['namespace', namespace],
    ['pod name', pod],
  ]);
  return [`id: ${toBigint(id)}`, ...names].join(', ');
}

function ipcacheDetails(update: Part<'ipcache_update'>): string {
  const { old_identity: old } = update;
  return [
    `cidr: ${update.cidr ?? ''}`,
    `identity: ${update.identity ?? 0}`,
    ...(old ? [`old identity: ${old.value ?? 0}`] : []),
    ...given([
      ['host ip', update.host_ip],
      ['old host ip', update.old_host_ip],
    ]),
    `encrypt key: ${update.encrypt_key ?? 0}`,
  ].join(', ');
}

function serviceDetails(service: Part<'service_upsert'>): string {
  const { frontend_address: frontend, backend_addresses: backends = [] } = service;
  return [
    `id: ${service.id ?? 0}`,
    ...(frontend ? [`frontend: ${addressText(frontend)}`] : []),
    ...(backends.length > 0 ? [`backends: [${backends.map(addressText).join(',')}]`] : []),
    ...given([
      ['type', service.type],
      ['traffic policy', service.traffic_policy],
      ['namespace', service.namespace],
      ['name', service.name],
    ]),
  ].join(', ');
}

/** As Go's `net.JoinHostPort`. */
function addressText({ ip = '', port = 0 }: ServiceAddress): string {
  return /[:%]/.test(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;
}
