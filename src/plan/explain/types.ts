import type { Result } from '../../base/index.ts';
import type { JsonObject, RuleReference } from '../node-plan.ts';
import type { World } from '../world.ts';

/** A cluster as every node sees it. */
export interface Cluster extends Omit<World, 'nodeName' | 'learntNames'> {
  /** By node what it has learnt, as `World.learntNames`, or why that cannot be told; a node that is not in it was not asked. */
  readonly learntNames: ReadonlyMap<string, Result<World['learntNames'], string>>;
}

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export type Destination =
  | ({ readonly kind: 'pod' | 'service' } & PodName)
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: string };

export interface Question {
  readonly from: PodName;
  readonly to: Destination;
  /** For icmp the message's type. A pod's or Service's port may be named; absent where the destination has one port alone. */
  readonly port?: number | string;
  readonly protocol: 'tcp' | 'udp' | 'sctp' | 'icmp';
  /** What a TLS client asks for (SNI); absent: nothing, or the name that it connects to. */
  readonly serverName?: string;
  readonly http?: {
    readonly method: string;
    readonly path: string;
    /** Names in lower case; `host` becomes the authority. */
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** The answer: every part must pass, and of a part every step. */
export interface Explanation {
  readonly allowed: boolean;
  readonly from: string;
  readonly to: string;
  readonly parts: readonly Part[];
  /** For an address outside of the cluster: the DNS names that the sender's node has learnt it for; absent where that is not known. */
  readonly learntFor?: { readonly node: string; readonly names: readonly string[] };
  /** What limits the answer: policies that are not in force, stand-ins. */
  readonly warnings: readonly string[];
}

/** One way that the traffic takes: to a backend, to an address, or the DNS query before it. */
export interface Part {
  readonly title: string;
  readonly allowed: boolean;
  readonly steps: readonly Step[];
  /** How an Envoy configuration leads the request there; absent: it goes there by itself. */
  readonly taken?: Taken;
}

/** A field of an object of the cluster. */
export interface ObjectField {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly path: string;
}

/** What the listener of an Envoy configuration does with a request. */
export interface Taken {
  /** It got it because the configuration takes the Service over, or because a policy's rule names the listener. */
  readonly how: 'service' | 'rule';
  /** The listener's name in its configuration, and where it stands. */
  readonly listener: string;
  readonly by: ObjectField;
  /** Absent: none has the request's domain. */
  readonly virtualHost?: string;
  /** Where the listener or, when one matches, the route stands. */
  readonly place: ObjectField;
  /** What the route matches; absent where none does. */
  readonly match?: string;
  /** How many of the requests go this way, from 0 to 1: less than 1 where random numbers decide. */
  readonly share: number;
  /** As the configuration calls it; absent: the listener answers by itself. */
  readonly cluster?: string;
  /** Status of the listener's answer, where it sends a client that is redirected. */
  readonly reply?: { readonly status: number; readonly location?: string };
  /** The request as it leaves for the backend; absent: as it came. */
  readonly becomes?: { readonly method: string; readonly path: string; readonly authority: string };
}

/**
 * What a data plane does with a request on a connection to one of its listeners: a function of both and of the route configurations that it may
 * discover. Fails with a sentence when the listener takes no such request.
 */
export type Follow = (
  listener: JsonObject,
  routes: ReadonlyMap<string, JsonObject>,
  request: SentRequest,
) => Result<Followed, string>;

export interface SentRequest {
  readonly client: string;
  /** Where the client connects to. */
  readonly destination: { readonly address: string; readonly port: number };
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Followed {
  /** Name of the route configuration; undefined: it stands in the listener. */
  readonly routes: string | undefined;
  /** Filters that may answer or change the request before it is routed, which is not followed. */
  readonly filters: readonly string[];
  readonly ways: readonly {
    readonly share: number;
    readonly virtualHost: string;
    /** Its path counts from the route configuration, or from the listener where that stands in it. */
    readonly route: { readonly path: string; readonly match: JsonObject } | undefined;
    readonly cluster: string | undefined;
    readonly reply: { readonly status: number; readonly location?: string } | undefined;
    readonly request: Pick<SentRequest, 'method' | 'path' | 'authority' | 'headers'>;
  }[];
}

export interface Step {
  readonly direction: 'egress' | 'ingress';
  readonly layer: 'L3/L4' | 'L7';
  /** Whose policy is asked. */
  readonly subject: string;
  /**
   * `unasked`: requests or client hellos are judged one by one, and the question holds none. `audited`: it would be denied, but in audit
   * mode it passes and its flows say AUDIT.
   */
  readonly verdict: 'allowed' | 'denied' | 'audited' | 'unasked';
  readonly reason: string;
  /** The rules that decided. */
  readonly rules: readonly RuleReference[];
  /** With a denial because nothing allows it: the rules that put the subject into default deny. */
  readonly isolatedBy: readonly RuleReference[];
  /** Rules that allow it but for one thing. */
  readonly nearest: readonly NearMiss[];
}

export interface NearMiss {
  readonly rule: RuleReference;
  /** What does not fit. */
  readonly miss: string;
}
