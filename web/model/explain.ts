import type { Endpoint, Flow, FlowPolicy, Party, ShownFlow, Verdict } from './flow.ts';

/** One step of what happened to a flow, in words, with the commands that show the objects behind it. */
export interface Step {
  readonly title: string;
  readonly text: string;
  readonly commands: readonly string[];
}

export const verdictWords: Readonly<Record<Verdict | 'mixed', string>> = {
  forwarded: 'forwarded',
  dropped: 'dropped',
  audited: 'would be dropped (audit)',
  error: 'failed',
  mixed: 'partly dropped',
};

/** Marks that tell verdicts apart without colour. */
export const verdictMarks: Readonly<Record<Verdict | 'mixed', string>> = {
  forwarded: '✓',
  dropped: '✕',
  audited: '◐',
  error: '!',
  mixed: '◪',
};

/** What happened, in one sentence. */
export function summarize(shown: ShownFlow): string {
  const { client, server, call, verdict, isReply } = shown;
  const [from, to] = [nameOf(client), nameOf(server)];
  const what = askedFor(shown);
  if (verdict === 'dropped') {
    const packet = isReply ? `The answer of ${to} to ${from}` : `${from} asked ${to} for ${what} and it`;
    return call || !isReply ? `${packet} was denied.` : `${packet} was dropped.`;
  }
  if (call?.isResponse) return `${to} answered ${from}'s ${what} with ${answerOf(shown)}.`;
  if (isReply) return `A packet of ${to}'s answer went back to ${from}.`;
  const ending = verdict === 'error' ? ' and it failed' : verdict === 'audited' ? '; policy would deny it' : '';
  return call ? `${from} asked ${to} for ${what}${ending}.` : `${from} sent a packet to ${to}, ${what}${ending}.`;
}

function nameOf({ title, namespace }: Party): string {
  return namespace === '' ? title : `${namespace}/${title}`;
}

function askedFor({ call, protocol, port }: ShownFlow): string {
  if (call?.protocol === 'http') return `HTTP ${call.method} ${call.target}`;
  if (call?.protocol === 'dns') return `the DNS name ${call.target}`;
  return port === 0 ? protocol : `${protocol} port ${port}`;
}

function answerOf({ call, flow }: ShownFlow): string {
  const took = call?.latencyMs === undefined ? '' : ` after ${formatMs(call.latencyMs)}`;
  if (call?.protocol === 'http') return `status ${call.code}${took}`;
  const ips = flow.l7?.dns?.ips ?? [];
  if (call && call.code > 0) return `code ${call.code}${took}`;
  return `${ips.length > 0 ? ips.join(', ') : 'no address'}${took}`;
}

export function formatMs(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

/** What decided about a flow, and its way: who sent it, Service and backend, redirect, where it was seen. */
export function explain(shown: ShownFlow): Step[] {
  const { flow } = shown;
  return [
    ...policySteps(shown),
    endpointStep('From', flow.source, flow.source_names, flow.IP?.source),
    ...serviceStep(shown),
    endpointStep('To', flow.destination, flow.destination_names, flow.IP?.destination),
    ...redirectStep(flow),
    seenStep(flow),
    ...askAgainStep(shown),
  ];
}

function endpointStep(
  title: string,
  endpoint: Endpoint | undefined,
  names: readonly string[] | undefined,
  address: string | undefined,
): Step {
  const at = address === undefined ? '' : ` at ${address}`;
  const identity = endpoint?.identity === undefined ? '' : `, identity ${endpoint.identity}`;
  const { namespace, pod_name: pod } = endpoint ?? {};
  if (namespace && pod) {
    const text = `pod ${namespace}/${pod}${at}${identity}`;
    return { title, text, commands: [kubectl(`get pod -n ${word(namespace)} ${word(pod)} -o yaml`)] };
  }
  const named = names?.[0] ? `${names[0].replace(/\.$/, '')} ` : '';
  const labels = (endpoint?.labels ?? []).filter((label) => label.startsWith('reserved:'));
  const kind = labels.map((label) => label.slice('reserved:'.length)).join(', ') || 'unknown endpoint';
  return { title, text: `${named}${named === '' ? kind : `(${kind})`}${at}${identity}`, commands: [] };
}

function serviceStep({ flow, isReply }: ShownFlow): Step[] {
  const service = isReply ? flow.source_service : flow.destination_service;
  const backend = isReply ? flow.source : flow.destination;
  if (!service?.name) return [];
  const { name, namespace = 'default' } = service;
  const chosen = backend?.pod_name ? `; pod ${backend.pod_name} is the backend that was chosen` : '';
  return [
    {
      title: 'Service',
      text: `${namespace}/${name}${chosen}`,
      commands: [
        kubectl(`get service,endpointslices -n ${word(namespace)} -l kubernetes.io/service-name=${word(name)}`),
      ],
    },
  ];
}

function redirectStep(flow: Flow): Step[] {
  const isCall = flow.Type === 'L7' || flow.l7 !== undefined;
  const toProxy = flow.trace_observation_point === 'TO_PROXY' || flow.verdict === 'REDIRECTED';
  if (!isCall && !toProxy && !flow.proxy_port) return [];
  const port = flow.proxy_port ? ` on port ${flow.proxy_port}` : '';
  if (flow.l7?.dns) {
    return [
      { title: 'Redirect', text: `A DNS rule sends the query to the DNS proxy of the node${port}.`, commands: [] },
    ];
  }
  const proxied = proxiedSteps(flow);
  const what = 'A Layer-7 rule or a CiliumEnvoyConfig sends the connection to the proxy of the node';
  const text = `${what}${port}, which matches routes and asks policy for each request.`;
  const configs = proxied.length > 0 ? [] : [kubectl('get ciliumenvoyconfigs,ciliumclusterwideenvoyconfigs -A')];
  return [{ title: 'Redirect', text, commands: configs }, ...proxied];
}

/** The way of a request through the proxy: listener, route, what was rewritten, cluster. */
function proxiedSteps({ proxied, l7 }: Flow): Step[] {
  if (!proxied?.listener) return [];
  const { listener, route, cluster, original_path: asked } = proxied;
  const steps: Step[] = [listenerStep(listener)];
  if (route) steps.push({ title: 'Route', text: route, commands: [] });
  if (asked) {
    const sent = (l7?.http?.url ?? '').replace(/^[a-z]+:\/\/[^/?#]*/i, '') || '/';
    steps.push({ title: 'Rewrite', text: `${asked} was asked for, ${sent} was sent`, commands: [] });
  }
  if (cluster) steps.push({ title: 'Cluster', text: cluster, commands: [] });
  return steps;
}

/** `NAMESPACE/CONFIG/LISTENER` is of a configuration, without a namespace of a cluster-wide one; another name is the node's own. */
function listenerStep(name: string): Step {
  const [, namespace, config, listener] = /^([^/]*)\/([^/]+)\/(.+)$/.exec(name) ?? [];
  if (!config) return { title: 'Listener', text: `${name}, which Layer-7 rules lead to`, commands: [] };
  const command = namespace
    ? `get ciliumenvoyconfig -n ${word(namespace)} ${word(config)} -o yaml`
    : `get ciliumclusterwideenvoyconfig ${word(config)} -o yaml`;
  const kind = namespace ? `CiliumEnvoyConfig ${namespace}/${config}` : `CiliumClusterwideEnvoyConfig ${config}`;
  return { title: 'Listener', text: `${listener} of ${kind}`, commands: [kubectl(command)] };
}

const points: Readonly<Record<string, string>> = {
  TO_ENDPOINT: 'on its way into the pod',
  FROM_ENDPOINT: 'as it left the pod',
  TO_PROXY: 'on its way to the proxy',
  FROM_PROXY: 'as it left the proxy',
  TO_HOST: 'on its way to the node itself',
  FROM_HOST: 'as it left the node itself',
  TO_STACK: 'on its way into the network stack of the node',
  FROM_STACK: 'as it left the network stack of the node',
  TO_OVERLAY: 'on its way into the tunnel to another node',
  FROM_OVERLAY: 'as it came out of the tunnel from another node',
  TO_NETWORK: 'on its way to the network',
  FROM_NETWORK: 'as it came from the network',
};

function seenStep(flow: Flow): Step {
  const point = points[flow.trace_observation_point ?? ''];
  const where = flow.l7 ? 'by the proxy' : (point ?? 'by the datapath');
  const direction = flow.traffic_direction ? ` (${flow.traffic_direction.toLowerCase()})` : '';
  const device = flow.interface?.name ? `, interface ${flow.interface.name}` : '';
  return { title: 'Seen', text: `${where}${direction} on ${flow.node_name ?? 'a node'}${device}`, commands: [] };
}

const resources: Readonly<Record<string, string>> = {
  CiliumNetworkPolicy: 'ciliumnetworkpolicy',
  CiliumClusterwideNetworkPolicy: 'ciliumclusterwidenetworkpolicy',
  NetworkPolicy: 'networkpolicy',
};
const ruleLabel = 'ciliate:rule=';

function policySteps(shown: ShownFlow): Step[] {
  const { flow, verdict } = shown;
  const lists = [
    ['Denied by egress policy', flow.egress_denied_by],
    ['Denied by ingress policy', flow.ingress_denied_by],
    ['Allowed by egress policy', flow.egress_allowed_by],
    ['Allowed by ingress policy', flow.ingress_allowed_by],
  ] as const;
  const steps = lists.flatMap(([title, policies]) => (policies ?? []).map((policy) => policyStep(title, policy)));
  const denied = (flow.egress_denied_by?.length ?? 0) + (flow.ingress_denied_by?.length ?? 0) > 0;
  if (verdict === 'dropped' && !denied) steps.push(noPolicyStep(flow));
  return steps;
}

function askAgainStep(shown: ShownFlow): Step[] {
  const command = explainCommand(shown);
  if (command === undefined) return [];
  const text = 'This judges the same traffic by the policies and routes that are in force now.';
  return [{ title: 'Ask again', text, commands: [command] }];
}

/** Of what no rule denies, the flow names the rules that keep it closed. */
function policyStep(title: string, { name = '', namespace, kind = '', labels = [] }: FlowPolicy): Step {
  const rule = labels.find((label) => label.startsWith(ruleLabel))?.slice(ruleLabel.length);
  const shownName = namespace ? `${namespace}/${name}` : name;
  const resource = Object.hasOwn(resources, kind) ? resources[kind] : undefined;
  const scope = namespace ? ` -n ${word(namespace)}` : '';
  return {
    title: rule !== undefined && !rule.includes('Deny[') ? title.replace('Denied', 'Not allowed') : title,
    text: `${kind} ${shownName}${rule === undefined ? '' : `, rule ${rule}`}`,
    commands: resource ? [kubectl(`get ${resource}${scope} ${word(name)} -o yaml`)] : [],
  };
}

function noPolicyStep(flow: Flow): Step {
  const reason = (flow.drop_reason_desc ?? '').replaceAll('_', ' ').toLowerCase();
  const isPolicy = reason === '' || reason.startsWith('policy denied');
  const ingress = flow.traffic_direction === 'INGRESS';
  const namespace = (ingress ? flow.destination : flow.source)?.namespace;
  if (!isPolicy) return { title: 'Reason', text: reason, commands: [] };
  const side = ingress ? 'ingress policies of the receiver' : 'egress policies of the sender';
  const text = `No rule allows it: the ${side} select the endpoint, and what none of them allows is denied.`;
  const scope = namespace ? ` -n ${word(namespace)}` : '';
  const kinds = 'ciliumnetworkpolicies,ciliumclusterwidenetworkpolicies,networkpolicies';
  return { title: 'Denied by default', text, commands: [kubectl(`get ${kinds}${scope}`)] };
}

function explainCommand({ flow, client, isReply, port, protocol, call }: ShownFlow): string | undefined {
  const [from, to] = isReply ? [flow.destination, flow.source] : [flow.source, flow.destination];
  if (!from?.namespace || !from.pod_name || client.namespace === '') return undefined;
  const address = isReply ? flow.IP?.source : flow.IP?.destination;
  const names = isReply ? flow.source_names : flow.destination_names;
  const target = to?.namespace && to.pod_name ? `pod/${to.namespace}/${to.pod_name}` : (names?.[0] ?? address);
  if (target === undefined || port === 0) return undefined;
  const http = call?.protocol === 'http' ? ` --http ${word(`${call.method} ${rawPath(flow)}`)}` : '';
  return `ciliate policy explain --from ${word(`${from.namespace}/${from.pod_name}`)} --to ${word(target)} --port ${port}/${protocol}${http}`;
}

function rawPath(flow: Flow): string {
  const path = (flow.l7?.http?.url ?? '').replace(/^[a-z]+:\/\/[^/?#]*/i, '');
  return path === '' ? '/' : path;
}

function kubectl(rest: string): string {
  return `kubectl ${rest}`;
}

/** A word for a shell: what the network gave is quoted, so that a copied command does what it says. */
export function word(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) && !text.startsWith('-') ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
