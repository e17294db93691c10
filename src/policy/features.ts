import type { Issue } from '../base/index.ts';
import type { HttpRule, PolicyItem, PolicyObject, PolicyPeer, PolicyPortRule } from '../model/cilium/index.ts';

/**
 * What a policy asks for that nothing enforces yet, by field path. A policy with any of these is not applied: applied
 * without them it would allow or deny something that it does not say.
 */
export function unsupportedFeatures(policy: PolicyObject): readonly Issue[] {
  return policy.rules.flatMap((rule) => {
    const items = [...rule.ingress.items, ...rule.egress.items];
    const issues = items.flatMap(itemIssues);
    return rule.subject.kind === 'nodes' ? [...issues, ...items.flatMap(hostIssues)] : issues;
  });
}

/** A node's own packets cannot be handed to a proxy on their way out. */
function hostIssues({ ports }: PolicyItem): readonly Issue[] {
  return (ports ?? []).flatMap(({ fieldPath, ...rule }) => {
    const redirects = [
      ['rules.dns', rule.dns, 'DNS rules for nodes are'],
      ['serverNames', rule.serverNames, 'filtering nodes by TLS server name is'],
      ['listener', rule.listener, 'sending connections of nodes to a listener is'],
    ] as const;
    return redirects
      .filter(([, asked]) => asked)
      .map(([field, , what]) => ({ path: `${fieldPath}.${field}`, message: `${what} not available` }));
  });
}

function itemIssues(item: PolicyItem): readonly Issue[] {
  const issues: Issue[] = [];
  if (item.authentication && item.authentication !== 'disabled') {
    issues.push({
      path: `${item.fieldPath}.authentication.mode`,
      message: `mutual authentication (${item.authentication}) is not available`,
      allowed: 'disabled, or no authentication',
    });
  }
  for (const peer of item.peers ?? []) {
    const message = peerMessage(peer);
    if (message) issues.push({ path: item.fieldPath, message });
  }
  return [...issues, ...(item.ports ?? []).flatMap(portIssues)];
}

function peerMessage(peer: PolicyPeer): string | undefined {
  switch (peer.kind) {
    case 'provider-group':
      return "a cloud provider's groups (fromGroups, toGroups) cannot be resolved here";
    default:
      return undefined;
  }
}

const transportProtocols: readonly string[] = ['TCP', 'UDP', 'SCTP', 'ANY'];

function portIssues(rule: PolicyPortRule): readonly Issue[] {
  const issues: Issue[] = [];
  const report = (field: string, message: string) => issues.push({ path: `${rule.fieldPath}.${field}`, message });
  if (rule.terminatingTls) report('terminatingTLS', 'TLS interception is not available');
  if (rule.originatingTls) report('originatingTLS', 'TLS interception is not available');
  if (rule.listener && rule.serverNames) report('listener', 'a listener together with serverNames is not available');
  rule.ports.forEach((port, index) => {
    if (transportProtocols.includes(port.protocol)) return;
    report(`ports[${index}].protocol`, `protocol ${port.protocol} is not available`);
  });
  return [...issues, ...(rule.http ?? []).flatMap(headerIssues)];
}

/** A value becomes an expression that nests with its length, and RE2 nests no deeper than 1,000. */
const headerValueMax = 250;

function headerIssues(rule: HttpRule): readonly Issue[] {
  return rule.headers.flatMap((header) => {
    const length = header.value?.length ?? 0;
    if (length > headerValueMax) {
      const message = `header ${header.name}: a value of ${length} characters cannot be compared`;
      return [{ path: rule.fieldPath, message, allowed: `up to ${headerValueMax} characters` }];
    }
    if (!header.secret && !header.mismatch) return [];
    const what = header.secret ? 'header values from Secrets are' : `the mismatch action ${header.mismatch} is`;
    return [{ path: rule.fieldPath, message: `header ${header.name}: ${what} not available` }];
  });
}
