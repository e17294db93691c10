import type { Logger } from '../base/index.ts';
import { createDnsProxy, createLearntNames, type DnsProxy } from '../dns/index.ts';
import type { DnsEvent } from '../model/flow/index.ts';
import type { DnsPlan } from '../plan/index.ts';

export interface DnsEdgeOptions {
  readonly plan: () => DnsPlan;
  readonly identityOf: (address: string) => number;
  readonly onEvent: (event: DnsEvent) => void;
  /** Names have changed: a new plan is needed. */
  readonly onNames: () => void;
  readonly log: Logger;
}

/** The DNS side of an agent: the proxy, and the names it learns until these run out. */
export interface DnsEdge {
  /** As `World.learntNames`. */
  names(): ReadonlyMap<string, readonly string[]>;
  /** Has the proxy listen on the port that a plan's redirects lead to; 0 leaves it as it is. Throws when it cannot. */
  listen(port: number): Promise<void>;
  /** Taken before a plan is made; call what it gives when that plan is in force. Answers that brought new names wait for it. */
  beginRound(): () => void;
  stop(): Promise<void>;
}

const limits = { names: 10_000, addressesPerName: 1_000, minTtlSeconds: 0 };
const expiryIntervalMs = 1_000;

export function createDnsEdge({ plan, identityOf, onEvent, onNames, log }: DnsEdgeOptions): DnsEdge {
  const learnt = createLearntNames(limits);
  let waiting: (() => void)[] = [];
  let open: { readonly port: number; readonly proxy: DnsProxy } | undefined;
  const expiry = setInterval(() => {
    if (learnt.expire(performance.now())) onNames();
  }, expiryIntervalMs);

  const onLearnt = (name: string, addresses: readonly string[], ttlSeconds: number): Promise<void> | undefined => {
    if (!learnt.learn(name, addresses, ttlSeconds, performance.now())) return undefined;
    const inForce = new Promise<void>((resolve) => waiting.push(resolve));
    onNames();
    return inForce;
  };

  return {
    names: () => learnt.names(),
    listen: async (port) => {
      if (port === 0 || open?.port === port) return;
      await open?.proxy.stop();
      const proxy = createDnsProxy({ port, plan, identityOf, onEvent, onLearnt, log });
      const started = await proxy.start();
      if (!started.ok) throw new Error(`DNS proxy: ${started.error.map(({ message }) => message).join('; ')}`);
      open = { port, proxy };
    },
    beginRound: () => {
      const released = waiting;
      waiting = [];
      return () => {
        for (const release of released) release();
      };
    },
    stop: async () => {
      clearInterval(expiry);
      await open?.proxy.stop();
    },
  };
}
