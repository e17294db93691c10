import type { Result } from '../../base/index.ts';
import type { RuleReference } from '../node-plan.ts';
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
