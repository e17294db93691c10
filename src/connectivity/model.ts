/** A pod under test. */
export interface TestPod {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface TestService {
  readonly namespace: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Addresses of the pods behind it. */
  readonly backends: readonly string[];
}

/** What the scenarios choose from. */
export interface Workloads {
  readonly clients: readonly TestPod[];
  readonly echoes: readonly TestPod[];
  readonly services: readonly TestService[];
  /** Whether the clients have `ping`. */
  readonly ping: boolean;
  /** A name outside of the cluster that answers HTTP on port 80. */
  readonly externalTarget: string;
}

/** One command in one pod towards one target. */
export type Action = CurlAction | PingAction;

interface ActionBase {
  /** `curl-0`; unique inside its scenario. */
  readonly name: string;
  readonly source: TestPod;
  /** As printed: `cilium-test/echo-… (10.0.0.5:8080)`. */
  readonly target: string;
  /** Addresses that flows may show for the target; undefined where they come from DNS. */
  readonly targetAddresses: readonly string[] | undefined;
}

export interface CurlAction extends ActionBase {
  readonly kind: 'curl';
  readonly url: string;
  readonly path: string;
  readonly port: number;
  /** The name that has to be resolved first. */
  readonly resolves?: string;
  /** Nobody listens on the port: the target is reached when it refuses the connection. */
  readonly closedPort?: true;
}

export interface PingAction extends ActionBase {
  readonly kind: 'ping';
  readonly address: string;
}

/**
 * What the policies in force promise for an action.
 * `ok`: it succeeds; `http` also asks for the request's flow. `dropped`: the packets are dropped. `denied`: the proxy
 * refuses the request. `dns` says whether a name's resolution passes the DNS proxy.
 */
export interface Expectation {
  readonly result: 'ok' | 'dropped' | 'denied';
  readonly http?: boolean;
  readonly dns?: 'plain' | 'proxy';
}

export interface Scenario {
  readonly name: string;
  readonly actions: (workloads: Workloads) => readonly Action[];
}

export interface ConnectivityTest {
  readonly name: string;
  /** Files under `examples/`. */
  readonly policies: readonly string[];
  readonly scenarios: readonly Scenario[];
  readonly expect: (action: Action, workloads: Workloads) => Expectation;
}
