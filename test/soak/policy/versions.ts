import type { Facts } from '../../policy-model/facts.ts';
import { createJudge, type Judge, type Verdict } from '../../policy-model/judge.ts';
import type { Asked } from './cluster.ts';

export type Direction = 'egress' | 'ingress';

/** One state of policies, CIDR groups and pods' labels, from before it was sent until every node has said that a later one is in force. */
interface Version {
  readonly objects: ReadonlyMap<string, object>;
  readonly judge: Judge;
  readonly sentMs: number;
  resourceVersion: bigint;
  readonly decisions: Map<string, Decision>;
  /** By node, once it is known. */
  readonly leftMs: Map<number, number>;
}

export interface Decision {
  readonly passes: boolean;
  readonly verdict: Verdict;
}

/** Knows which versions may have been in force on a node at a time. */
export interface Versions {
  /** Notes a change, or a deletion (undefined), before it is sent; the answer takes the resource version that it got. */
  add(name: string, object: object | undefined): (resourceVersion: string) => void;
  /** A node says that everything up to this resource version is in force there. */
  confirm(node: number, resourceVersion: string): void;
  /** Whether all nodes have come past everything that was sent until `ms`. */
  isSettled(ms: number): boolean;
  /** What the versions say that may have been in force on the node while the request went on. */
  decisions(node: number, asked: Asked, direction: Direction): readonly Decision[];
  /** What becomes of packets, by the versions since the request's connection was opened. */
  paths(node: number, asked: Asked, direction: Direction): ReadonlySet<Verdict>;
  /** Drops what can matter to no request that began after `ms`. */
  forget(ms: number): void;
}

const unknown = -1n;

export function createVersions(
  facts: Facts,
  first: readonly (readonly [string, object])[],
  nodes: readonly number[],
): Versions {
  const versions: Version[] = [versionOf(new Map(first), 0, 0n)];
  /** By node: when it confirmed which resource version. */
  const confirmed = new Map<number, { ms: number; resourceVersion: bigint }[]>(nodes.map((node) => [node, []]));

  function versionOf(objects: ReadonlyMap<string, object>, sentMs: number, resourceVersion: bigint): Version {
    return {
      objects,
      judge: judgeOf([...objects.values()], facts),
      sentMs,
      resourceVersion,
      decisions: new Map(),
      leftMs: new Map(),
    };
  }

  /** When the node had certainly left the version at `index`: it confirmed the next one, or a later one. */
  function leftMs(node: number, index: number): number {
    const known = versions[index]?.leftMs.get(node);
    if (known !== undefined) return known;
    const next = versions[index + 1];
    if (!next || next.resourceVersion === unknown) return Number.POSITIVE_INFINITY;
    const found = confirmed.get(node)?.find(({ resourceVersion }) => resourceVersion >= next.resourceVersion);
    if (!found) return Number.POSITIVE_INFINITY;
    // One that says what its predecessor said counts as confirmed from the start, but not before it was sent.
    const ms = Math.max(found.ms, next.sentMs);
    versions[index]?.leftMs.set(node, ms);
    return ms;
  }

  function decide(version: Version, asked: Asked, direction: Direction): Decision {
    const { client, backend, port, method, path } = asked;
    const key = `${direction} ${client} ${backend} ${method} ${path}`;
    let decision = version.decisions.get(key);
    if (!decision) {
      const own = direction === 'egress' ? client : backend;
      const request = {
        client,
        backend,
        port,
        method,
        path,
        authority: `${backend}:${port}`,
        headers: {},
      };
      const packet = { source: client, destination: backend, protocol: 'tcp', port } as const;
      const passes = version.judge.requestPasses(request, (address) => address === own);
      decision = { passes, verdict: version.judge.verdict(packet, direction) };
      version.decisions.set(key, decision);
    }
    return decision;
  }

  function decisionsSince(from: number, node: number, asked: Asked, direction: Direction): readonly Decision[] {
    return versions
      .filter(({ sentMs }, index) => sentMs <= asked.to && leftMs(node, index) >= from)
      .map((version) => decide(version, asked, direction));
  }

  return {
    add(name, object) {
      const objects = new Map(versions.at(-1)?.objects);
      if (object) objects.set(name, object);
      else objects.delete(name);
      const version = versionOf(objects, now(), unknown);
      versions.push(version);
      const before = versions.at(-2)?.resourceVersion ?? 0n;
      return (resourceVersion) => {
        const given = BigInt(resourceVersion);
        // A policy that says what it said keeps its old version; it is in force when the changes before it are.
        version.resourceVersion = given > before ? given : before;
      };
    },
    confirm(node, resourceVersion) {
      confirmed.get(node)?.push({ ms: now(), resourceVersion: BigInt(resourceVersion) });
    },
    isSettled(ms) {
      const sent = versions.findLastIndex(({ sentMs }) => sentMs <= ms);
      return nodes.every((node) => Number.isFinite(leftMs(node, sent)));
    },
    decisions: (node, asked, direction) => decisionsSince(asked.from, node, asked, direction),
    paths(node, asked, direction) {
      const decisions = decisionsSince(asked.opened ?? asked.from, node, asked, direction);
      return new Set(decisions.map(({ verdict }) => verdict));
    },
    forget(ms) {
      const until = versions.findIndex((_, index) => nodes.some((node) => leftMs(node, index) >= ms));
      if (until <= 0) return;
      versions.splice(0, until);
      const oldest = versions[0]?.resourceVersion ?? 0n;
      for (const list of confirmed.values()) {
        const keep = list.findIndex(({ resourceVersion }) => resourceVersion >= oldest);
        if (keep > 0) list.splice(0, keep);
      }
    },
  };
}

/** The clock of the askers: wall time with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The judge of a state of the cluster: its pods have the labels that were given to them since. */
function judgeOf(objects: readonly object[], facts: Facts): Judge {
  const known = objects as readonly { readonly kind?: string; readonly metadata?: Metadata }[];
  const ofKind = (kind: string) => known.filter((object) => object.kind === kind);
  const given = new Map(ofKind('Pod').map(({ metadata }) => [metadata?.name, metadata?.labels]));
  const pods = facts.pods.map((pod) => {
    const labels = { ...pod.metadata?.labels, ...given.get(pod.metadata?.name) };
    return { ...pod, metadata: { ...pod.metadata, labels } };
  });
  const policies = known.filter(({ kind }) => kind !== 'Pod' && kind !== 'CiliumCIDRGroup');
  return createJudge(policies, { ...facts, pods, cidrGroups: ofKind('CiliumCIDRGroup') });
}

interface Metadata {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
}
