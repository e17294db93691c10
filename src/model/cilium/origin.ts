/** Labels that name where a rule comes from, as `pkg/k8s/utils` derives them. */
export function originLabels(
  kind: string,
  namespace: string | undefined,
  name: string,
  uid: unknown,
): readonly string[] {
  const prefix = 'k8s:io.cilium.k8s.policy';
  return [
    `${prefix}.derived-from=${kind}`,
    `${prefix}.name=${name}`,
    ...(namespace === undefined ? [] : [`${prefix}.namespace=${namespace}`]),
    ...(typeof uid === 'string' && uid !== '' ? [`${prefix}.uid=${uid}`] : []),
  ];
}
