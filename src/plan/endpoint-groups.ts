import type { PolicyResolver, ResolvedPolicy } from '../policy/index.ts';
import type { PlannedPod } from './cluster-view.ts';

/** Local pods that policy cannot tell apart, with what it says about them. */
export interface EndpointGroup {
  readonly pods: readonly PlannedPod[];
  readonly policy: ResolvedPolicy;
}

/** Groups the pods by identity and named ports, so that policy is resolved once for each group and not for each pod. */
export function endpointGroups(pods: readonly PlannedPod[], resolver: PolicyResolver): readonly EndpointGroup[] {
  const byKey = new Map<string, PlannedPod[]>();
  for (const pod of pods) {
    const key = pod.subject;
    const group = byKey.get(key);
    if (group) group.push(pod);
    else byKey.set(key, [pod]);
  }
  return [...byKey.values()].map((group) => {
    const [first] = group;
    const subject = { identity: first?.identity ?? 0, namedPorts: first?.namedPorts ?? new Map() };
    return { pods: group, policy: resolver.resolve(subject) };
  });
}
