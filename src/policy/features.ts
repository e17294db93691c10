import type { Issue } from '../base/index.ts';
import type { HttpRule, PolicyItem, PolicyObject, PolicyPeer, PolicyPortRule } from '../model/cilium/index.ts';
import { isHeaderText } from './header-text.ts';

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
  const report = (field: string, message: string, allowed?: string) =>
    issues.push({ path: `${rule.fieldPath}.${field}`, message, ...(allowed !== undefined && { allowed }) });
  if (rule.terminatingTls && !rule.http)
    report('terminatingTLS', 'what is no HTTP is not read inside of TLS', 'together with rules.http');
  if (rule.originatingTls && !rule.terminatingTls)
    report('originatingTLS', 'TLS does not begin where none has ended', 'together with terminatingTLS');
  rule.ports.forEach((port, index) => {
    if (transportProtocols.includes(port.protocol)) return;
    report(`ports[${index}].protocol`, `protocol ${port.protocol} is not available`);
  });
  return [...issues, ...(rule.http ?? []).flatMap(headerIssues)];
}

/** A value becomes an expression that nests with its length, and RE2 nests no deeper than 1,000. */
const headerValueMax = 250;

function headerIssues({ fieldPath: path, headers }: HttpRule): readonly Issue[] {
  return headers.flatMap(({ name, value = '', secret, mismatch }) => {
    const report = (what: string, allowed?: string) => [
      { path, message: `header ${name}: ${what}`, ...(allowed !== undefined && { allowed }) },
    ];
    if (!secret && !mismatch) {
      if (value.length <= headerValueMax) return [];
      return report(`a value of ${value.length} characters cannot be compared`, `up to ${headerValueMax} characters`);
    }
    if (!isHeaderText(value)) return report('a value with control characters cannot stand in a header');
    if (!isToken(name)) return report('not a header name');
    const fixed = name.startsWith(':') || name.toLowerCase() === 'host';
    const changes = mismatch !== undefined && mismatch !== 'LOG';
    return fixed && changes ? report(`${mismatch} is not available: it is part of the request line`) : [];
  });
}

/** RFC 9110, section 5.6.2; fields of the request line begin with a colon. */
function isToken(name: string): boolean {
  return /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
}
