/** What the cluster's DNS server answers, as the JSON file between the cluster process and the server. */
export interface Zone {
  /** The cluster's domain, for instance `cluster.local`. Names in it that have no records do not exist. */
  readonly domain: string;
  /** Seconds, of every record. */
  readonly ttl: number;
  /** By name: lower case, with trailing dot. */
  readonly records: Readonly<Record<string, NameRecords>>;
  /** IP addresses of the resolvers for names outside the domain, in the order they are asked. */
  readonly upstreams?: readonly string[];
}

export interface NameRecords {
  readonly a?: readonly string[];
  readonly srv?: readonly { readonly target: string; readonly port: number }[];
  readonly ptr?: readonly string[];
  readonly cname?: string;
  readonly txt?: string;
}
