import { createClient, formatApiError, type KubeClient, loadKubeConfig } from '../../kube/index.ts';
import type { CommandIo } from '../io.ts';

/** An error whose text is all that the user needs. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
}

/** A client for the cluster of KUBECONFIG. Throws `CommandFault` when there is no usable configuration. */
export function connect(io: CommandIo): KubeClient {
  const access = loadKubeConfig(undefined, io.environment);
  if (!access.ok)
    throw new CommandFault(`${access.error.message}; start a cluster with "ciliate up" and eval "$(ciliate env)"`);
  return createClient(access.value);
}

export interface ConfigMap {
  readonly metadata: { readonly resourceVersion?: string };
  readonly data?: Readonly<Record<string, string>>;
}

const configMap = { group: '', version: 'v1', resource: 'configmaps', namespace: 'kube-system', name: 'cilium-config' };

export async function readConfig(client: KubeClient): Promise<ConfigMap> {
  const found = await client.get<ConfigMap>(configMap);
  if (!found.ok) throw new CommandFault(`ConfigMap kube-system/cilium-config: ${formatApiError(found.error)}`);
  return found.value;
}

/** Sets keys of the ConfigMap (null removes one) and gives the version of it that the agents have to observe. */
export async function changeConfig(client: KubeClient, data: Readonly<Record<string, string | null>>): Promise<string> {
  const changed = await client.patch<ConfigMap>(configMap, { data }, { type: 'merge', fieldManager: 'cilium-cli' });
  if (!changed.ok) throw new CommandFault(`ConfigMap kube-system/cilium-config: ${formatApiError(changed.error)}`);
  return changed.value.metadata.resourceVersion ?? '0';
}

interface Listed {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly hostNetwork?: boolean;
    readonly addresses?: readonly { readonly type: string; readonly ip: string }[];
    readonly replicas?: number;
  };
  readonly status?: {
    readonly phase?: string;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

/** Objects of one kind; an empty list when the cluster does not know the kind. */
export async function listObjects(
  client: KubeClient,
  group: string,
  version: string,
  resource: string,
): Promise<readonly Listed[]> {
  const listed = await client.list<Listed>({ group, version, resource });
  if (listed.ok) return listed.value.items;
  if (listed.error.code === 404) return [];
  throw new CommandFault(formatApiError(listed.error));
}

export type { Listed };
