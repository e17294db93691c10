/** A pod under test. */
export interface TestPod {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  /** Address of the node that it runs on. */
  readonly nodeAddress: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TestService {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The port on every node; undefined where the Service has none. */
  readonly nodePort: number | undefined;
  /** Addresses of the pods behind it. */
  readonly backends: readonly string[];
}

/** What stands for the world outside of the cluster: two hosts that answer HTTP on port 80 and HTTPS on port 443. */
export interface ExternalTargets {
  readonly target: string;
  readonly otherTarget: string;
  readonly address: string;
  readonly otherAddress: string;
  /** A range that holds both addresses. */
  readonly cidr: string;
}

/** What the scenarios choose from. */
export interface Workloads {
  readonly clients: readonly TestPod[];
  readonly echoes: readonly TestPod[];
  readonly services: readonly TestService[];
  /** One pod in the network of each node; empty unless a test asks for them. */
  readonly hostPods: readonly TestPod[];
  /** Addresses of the nodes. */
  readonly nodeAddresses: readonly string[];
  readonly external: ExternalTargets;
}

/** One command in one pod towards one target. */
export type Action = CurlAction | PingAction;

interface ActionBase {
  /** `curl-ipv4-0`. */
  readonly name: string;
  readonly source: TestPod;
  /** As printed: `cilium-test/echo-… (10.0.0.5:8080)`. */
  readonly target: string;
  /** Labels of the target; empty where it is no pod. */
  readonly targetLabels: Readonly<Record<string, string>>;
  /** Addresses that flows may show for the target; undefined where they come from DNS. */
  readonly targetAddresses: readonly string[] | undefined;
}

export interface CurlAction extends ActionBase {
  readonly kind: 'curl';
  readonly url: string;
  readonly path: string;
  readonly port: number;
  /** A port that flows may show in its place, after translation. */
  readonly translatedPort?: number;
  readonly method: 'GET' | 'POST';
  /** Header lines to send. */
  readonly headers: readonly string[];
  /** A file in the client with the authorities that the server's certificate must come from; absent: it is not checked. */
  readonly authorities?: string;
  /** A failure is tried again: what it waits for is told by nobody. */
  readonly retries?: number;
  /** The name that has to be resolved first. */
  readonly resolves?: string;
}

export interface PingAction extends ActionBase {
  readonly kind: 'ping';
  readonly address: string;
}

/** Ports that an action's connections come from, both included; no other action's do. */
export interface SourcePorts {
  readonly first: number;
  readonly last: number;
}

/**
 * What the policies in force promise for an action.
 * `ok`: it succeeds; `http` also asks for the request's flow. `dropped`: the packets are dropped. `denied`: the proxy
 * refuses the request. `http-error`: the server refuses it. `tls-error`: the TLS handshake fails.
 * `dns` says whether a name's resolution passes the DNS proxy.
 */
export interface Expectation {
  readonly result: 'ok' | 'dropped' | 'denied' | 'http-error' | 'tls-error';
  readonly http?: boolean;
  readonly dns?: 'plain' | 'proxy';
  /** Where packets are dropped and why; absent: anywhere for any reason. */
  readonly drop?: Drop;
}

export interface Drop {
  readonly direction: 'egress' | 'ingress';
  /** `default`: no rule allows it (POLICY_DENIED, 133). `deny`: a rule denies it (POLICY_DENY, 181). */
  readonly reason: 'default' | 'deny';
}

export interface Scenario {
  readonly name: string;
  /** It sends from pods in the nodes' networks. */
  readonly fromHosts?: true;
  readonly actions: (workloads: Workloads) => readonly Action[];
}

export interface ConnectivityTest {
  readonly name: string;
  /** Files under `examples/`: policies and what they refer to. */
  readonly policies: readonly string[];
  /** The key of cilium-config that must be `true`; else the test is skipped. */
  readonly requires?: 'enable-host-firewall';
  /** The policies' TLS contexts get Secrets with certificates of this run; `renewed`: one for both external targets comes when the policies are in force. */
  readonly interception?: 'kept' | 'renewed';
  /** The policies' ports become ranges around them. */
  readonly portRanges?: true;
  readonly scenarios: readonly Scenario[];
  readonly expect: (action: Action, workloads: Workloads) => Expectation;
}
