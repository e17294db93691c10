import type { PolicyObject, PolicyRule } from '../model/cilium/index.ts';

/** A rule of a policy object, as flows name it. */
export interface RuleReference {
  readonly kind: PolicyObject['kind'];
  readonly namespace?: string;
  readonly name: string;
  /** Field path of the rule inside its object, for instance `spec.egress[0].toPorts[0].rules.http[0]`. */
  readonly path: string;
  readonly labels: readonly string[];
}

const shortKinds = {
  CiliumNetworkPolicy: 'cnp',
  CiliumClusterwideNetworkPolicy: 'ccnp',
  NetworkPolicy: 'knp',
} as const;

/** The name of one policy object: `cnp/NAMESPACE/NAME`, `knp/NAMESPACE/NAME`, `ccnp/NAME`. */
function policyKey(policy: Pick<PolicyObject, 'kind' | 'namespace' | 'name'>): string {
  const owner = policy.namespace === undefined ? '' : `${policy.namespace}/`;
  return `${shortKinds[policy.kind]}/${owner}${policy.name}`;
}

export function isPolicyKind(kind: string | undefined): kind is PolicyObject['kind'] {
  return kind !== undefined && Object.hasOwn(shortKinds, kind);
}

/** What the names of all rules of a policy begin with. */
export function rulePrefix({ kind, namespace = '', name }: Pick<PolicyObject, 'kind' | 'namespace' | 'name'>): string {
  return `${policyKey({ kind, name, ...(namespace !== '' && { namespace }) })}/`;
}

/** The name of a rule in verdict maps and the data plane: the policy's key, `/`, and the field path. */
export function ruleKey(policy: Pick<PolicyObject, 'kind' | 'namespace' | 'name'>, path: string): string {
  return `${policyKey(policy)}/${path}`;
}

export function ruleReference(policy: PolicyObject, rule: PolicyRule, path: string): RuleReference {
  return {
    kind: policy.kind,
    ...(policy.namespace !== undefined && { namespace: policy.namespace }),
    name: policy.name,
    path,
    labels: rule.labels,
  };
}
