/**
 * Which label keys make an identity: the default prefix list of Cilium's `pkg/labelsfilter`. Expressions match at the
 * start of the key; an included key survives an ignore that matches less of it.
 */
const included: readonly RegExp[] = [
  /^io\.kubernetes\.pod\.namespace/,
  /^io\.cilium\.k8s\.namespace\.labels/,
  /^app\.kubernetes\.io/,
  /^io\.cilium\.k8s\.policy\.cluster/,
  /^io\.cilium\.k8s\.policy\.serviceaccount/,
];

const ignored: readonly RegExp[] = [
  /^io\.kubernetes/,
  /^kubernetes\.io/,
  /^statefulset\.kubernetes\.io\/pod-name/,
  /^apps\.kubernetes\.io\/pod-index/,
  /^batch\.kubernetes\.io\/job-completion-index/,
  /^batch\.kubernetes\.io\/controller-uid/,
  /^.*beta\.kubernetes\.io/,
  /^k8s\.io/,
  /^pod-template-generation/,
  /^pod-template-hash/,
  /^controller-revision-hash/,
  /^controller-uid/,
  /^annotation.*/,
  /^etcd_node/,
  /^topology\.kubernetes\.io/,
];

/** Whether a label with this key (without source) belongs to an identity. */
export function isIdentityLabel(key: string): boolean {
  let shortestIgnore = 0;
  for (const expression of ignored) {
    const length = expression.exec(key)?.[0].length ?? 0;
    if (length > 0 && (shortestIgnore === 0 || length < shortestIgnore)) shortestIgnore = length;
  }
  if (shortestIgnore === 0) return true;
  return included.some((expression) => (expression.exec(key)?.[0].length ?? 0) > shortestIgnore);
}
