import { createClient, type KubeClient, loadKubeConfig } from '../../kube/index.ts';
import type { CommandIo } from '../io.ts';
import { needValid } from './failure.ts';

export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

/** What every subcommand works with. */
export interface Session {
  readonly io: CommandIo;
  readonly client: KubeClient;
  /** `-n`, else the context's. */
  readonly namespace: string;
}

/** Runs a subcommand with a client and closes it afterwards. */
export async function withSession<T>(
  io: CommandIo,
  options: GlobalOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const access = needValid(loadKubeConfig(options.kubeconfig, io.environment));
  const client = createClient(access);
  try {
    return await work({ io, client, namespace: options.namespace ?? access.namespace });
  } finally {
    client.close();
  }
}
