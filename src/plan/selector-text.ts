import type { LabelSelector } from '../base/index.ts';
import type { PolicyPeer } from '../model/cilium/index.ts';

/** A selector in a message is no longer than this, in characters. */
const textMax = 500;

/**
 * A selector as Cilium's errors name it (`String` of the selectors of `pkg/policy/types`, cut to 500 characters), for instance
 * `&LabelSelector{MatchLabels:map[string]string{reserved.world: ,},MatchExpressions:[]LabelSelectorRequirement{},}`,
 * `[cidr:10.0.0.0/8<exists>[]]` or `MatchName: a.b, MatchPattern: `. Services and groups of a provider, which Cilium names by what it
 * found for them, go by what the rule says.
 */
export function cachedSelectorText(peer: PolicyPeer): string {
  const text = textOf(peer);
  return text.length <= textMax ? text : `${text.slice(0, textMax)}…`;
}

function textOf(peer: PolicyPeer): string {
  switch (peer.kind) {
    case 'endpoints':
    case 'nodes':
      return labelSelectorText(peer.selector);
    case 'entity':
      return labelSelectorText(peer.entity === 'all' ? {} : { matchLabels: { [`reserved:${peer.entity}`]: '' } });
    case 'cidr':
      return requirementsText([`${cidrLabel(peer.cidr)}<exists>[]`], peer.except);
    case 'cidr-group':
      return requirementsText(
        peer.name === undefined
          ? groupRequirements(peer.selector ?? {})
          : [`cidrgroup:io.cilium.policy.cidrgroupname/${peer.name}<exists>[]`],
        peer.except,
      );
    case 'fqdn':
      return `MatchName: ${peer.matchName ?? ''}, MatchPattern: ${peer.matchPattern ?? ''}`;
    case 'service':
      return `toServices ${peer.namespace}/${peer.name}`;
    case 'service-selector':
      return `toServices ${labelSelectorText(peer.selector)}`;
    case 'provider-group':
      return 'toGroups';
  }
}

function labelSelectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${dotted(key)}: ${value},`);
  const requirements = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${dotted(key)},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const expressions = `[]LabelSelectorRequirement{${requirements.join('')}}`;
  return `&LabelSelector{MatchLabels:map[string]string{${labels.sort().join('')}},MatchExpressions:${expressions},}`;
}

/** `k8s.app` of `k8s:app`: the form in which Cilium gives keys to Kubernetes' selectors. */
function dotted(key: string): string {
  return key.replace(':', '.');
}

function requirementsText(requirements: readonly string[], except: readonly string[]): string {
  return `[${[...requirements, ...except.map((cidr) => `${cidrLabel(cidr)}<!>[]`)].join(',')}]`;
}

const operators: Readonly<Record<string, string>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function groupRequirements({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly string[] {
  const labels = Object.entries(matchLabels).map(([key, value]) => `cidrgroup:${key}<=>[${value}]`);
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) => `cidrgroup:${key}<${operators[operator] ?? operator}>[${values.join(',')}]`,
  );
  return [...labels, ...expressions].sort();
}

/** A label key cannot have colons, nor begin or end with a dash (`getCIDRLabel` of `pkg/labels`). */
function cidrLabel(cidr: string): string {
  const [address = '', length] = cidr.split('/');
  if (length === '0') return `reserved:world-ipv${address.includes(':') ? 6 : 4}`;
  const key = address.replaceAll(':', '-').replace(/^-/, '0-').replace(/-$/, '-0');
  return `cidr:${key}/${length}`;
}
