/** Whose resources are qualified: the configuration's namespace (empty for a cluster-scoped one) and name. */
export interface NameScope {
  readonly namespace: string;
  readonly config: string;
}

/**
 * The name under which a resource travels: `namespace/config/name`. A name with a slash stays as it is, unless it must be
 * the configuration's own (`own`) and starts with another namespace (`ResourceQualifiedName` of Cilium's `pkg/policy/api`).
 */
export function qualifiedName({ namespace, config }: NameScope, name: string, own = false): string {
  if (name === '') return name;
  const slash = name.indexOf('/');
  if (slash >= 0 && !(own && name.slice(0, slash) !== namespace)) return name;
  return `${namespace}/${config}/${name}`;
}
