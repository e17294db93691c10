import type { Agent } from 'node:http';

/** What a request to the cluster carries beside its own content. PEM texts. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
  /** Present when a proxy leads to the server. */
  readonly agent?: Agent;
}

/** The way to one cluster. */
export interface ClusterAccess {
  /** Base URL without a slash at its end. */
  readonly server: string;
  /** Namespace of commands that name none. */
  readonly namespace: string;
  /** What the kubeconfig calls this access; `in-cluster` for a pod's own. */
  readonly context: string;
  /** Credentials for the next request; tokens in files are read again, plugins run. Rejects with an Error whose text is for the user. */
  credentials(): Promise<Credentials>;
}
