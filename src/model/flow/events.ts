/** Trace points under Cilium's names (`pkg/monitor/api`). */
export type ObservationPoint =
  | 'to-endpoint'
  | 'to-proxy'
  | 'to-host'
  | 'to-stack'
  | 'to-overlay'
  | 'from-endpoint'
  | 'from-proxy'
  | 'from-host'
  | 'from-stack'
  | 'from-overlay'
  | 'from-network'
  | 'to-network';

/** One packet seen by the datapath. */
export interface PacketEvent {
  readonly kind: 'trace' | 'drop' | 'policy-verdict';
  /** Nanoseconds since the epoch. */
  readonly timeNs: bigint;
  /** The packet from its IP header on, cut after its transport header. */
  readonly packet: Uint8Array;
  readonly sourceMac?: string;
  readonly interfaceName?: string;
  /** Of the endpoint's view: egress when it sends. Absent when the datapath does not know. */
  readonly direction?: 'ingress' | 'egress';
  /** Whether it answers an earlier packet; absent when unknown. */
  readonly reply?: boolean;
  readonly connection?: 'new' | 'established' | 'related' | 'reply';
  /** With `trace`. */
  readonly point?: ObservationPoint;
  /** With `drop`: Cilium's reason code, 133 policy denied, 181 denied by denylist, 132 invalid source address. */
  readonly dropReason?: number;
  /** With `policy-verdict`. */
  readonly verdict?: 'allowed' | 'denied' | 'redirected' | 'audited';
  /** With `policy-verdict`: 0 none, 1 L3-Only, 2 L3-L4, 3 L4-Only, 4 all. */
  readonly matchType?: number;
  readonly proxyPort?: number;
  /** Keys of `NodePlan.rules` that decided, with `policy-verdict` and with drops by policy. */
  readonly rules?: readonly string[];
}

/** One HTTP request through the data plane with its answer, as the access log tells it. */
export interface HttpEvent {
  readonly kind: 'http';
  readonly direction: 'ingress' | 'egress';
  readonly startNs: bigint;
  readonly latencyNs: bigint;
  readonly source: { readonly address: string; readonly port: number };
  /** The chosen backend; the original destination where none was chosen. */
  readonly destination: { readonly address: string; readonly port: number };
  /** What the client connected to, when that was a Service frontend. */
  readonly frontend?: { readonly address: string; readonly port: number };
  readonly method: string;
  /** `scheme://authority/path` after rewriting. */
  readonly url: string;
  readonly protocol: string;
  readonly requestHeaders: readonly { readonly key: string; readonly value: string }[];
  readonly responseHeaders: readonly { readonly key: string; readonly value: string }[];
  /** 0 when no response was sent. */
  readonly status: number;
  /** Of the client's egress rules and of the backend's ingress rules, each where they were asked. */
  readonly verdicts: { readonly egress?: RequestVerdict; readonly ingress?: RequestVerdict };
  /** How the data plane took it; empty texts are left out. */
  readonly way: {
    readonly listener: string;
    readonly route?: string;
    readonly cluster?: string;
    /** Before rewriting, with its query. */
    readonly originalPath?: string;
  };
}

/** A connection that rules about TLS server names refused before anything went on. */
export interface TlsEvent {
  readonly kind: 'tls';
  readonly direction: 'ingress' | 'egress';
  readonly startNs: bigint;
  readonly source: { readonly address: string; readonly port: number };
  /** Where the client was going. */
  readonly destination: { readonly address: string; readonly port: number };
  /** Empty: the client spoke no TLS or named none. */
  readonly serverName: string;
}

/** `rules`: keys of `NodePlan.rules` that decided; none for a denial because nothing allows. */
export interface RequestVerdict {
  readonly denied: boolean;
  readonly rules: readonly string[];
}

/** One DNS question or answer through the DNS proxy. */
export interface DnsEvent {
  readonly kind: 'dns';
  readonly timeNs: bigint;
  readonly type: 'request' | 'response';
  readonly client: { readonly address: string; readonly port: number };
  readonly server: { readonly address: string; readonly port: number };
  readonly transport: 'udp' | 'tcp';
  /** With trailing dot. */
  readonly query: string;
  readonly queryTypes: readonly string[];
  readonly denied: boolean;
  readonly rcode?: number;
  readonly addresses?: readonly string[];
  readonly cnames?: readonly string[];
  readonly answerTypes?: readonly string[];
  readonly ttl?: number;
  readonly latencyNs?: bigint;
  readonly rules: readonly string[];
}
