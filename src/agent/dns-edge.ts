import type { Logger } from '../base/index.ts';
import { trackedConnections } from '../datapath/index.ts';
import { createDnsProxy, type DnsProxy, type LearntRecord, type ReceivedAnswer } from '../dns/index.ts';
import type { DnsEvent } from '../model/flow/index.ts';
import type { DnsPlan } from '../plan/index.ts';
import { createDnsMemory } from './dns-memory.ts';
import type { DnsSettings } from './dns-settings.ts';

export interface DnsEdgeOptions {
  readonly plan: () => DnsPlan;
  readonly settings: () => DnsSettings;
  /** Where learnt names survive a restart. */
  readonly file: string;
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
  /** What one endpoint calls an address, see `LearntNames`. */
  namesOf(endpoint: string, address: string): readonly string[];
  /** The same by the endpoint that asked, with the time left. */
  records(): readonly LearntRecord[];
  /** Has the proxy listen on the port that a plan's redirects lead to; 0 leaves it as it is. Throws when it cannot. */
  listen(port: number): Promise<void>;
  /** Says which endpoints there are; what others have learnt is forgotten. */
  keepEndpoints(addresses: ReadonlySet<string>): void;
  /** Taken before a plan is made; call what it gives when that plan is in force. Answers that brought new names wait for it. */
  beginRound(): () => void;
  stop(): Promise<void>;
}

export async function createDnsEdge(options: DnsEdgeOptions): Promise<DnsEdge> {
  const { plan, identityOf, onEvent, onNames, log, settings } = options;
  const learnt = await createDnsMemory({
    file: options.file,
    minTtlSeconds: () => settings().minTtlSeconds,
    connections: trackedConnections,
    onExpired: onNames,
    log,
  });
  let waiting: (() => void)[] = [];
  let open: { readonly port: number; readonly proxy: DnsProxy } | undefined;
  /** What was learnt last is not in force yet. */
  let pending: Promise<void> | undefined;

  // An answer that repeats what another has just brought waits as well: it is of no use before that.
  const onLearnt = (answer: ReceivedAnswer): Promise<void> | undefined => {
    if (!learnt.learn({ ...answer, nowMs: performance.now() })) return pending;
    const inForce = new Promise<void>((resolve) => waiting.push(resolve)).then(() => {
      if (pending === inForce) pending = undefined;
    });
    pending = inForce;
    onNames();
    return inForce;
  };
  const rejectCode = () => settings().rejectCode;
  const maxDelayMs = () => settings().maxDelayMs;

  return {
    names: learnt.names,
    namesOf: learnt.namesOf,
    records: learnt.records,
    listen: async (port) => {
      if (port === 0 || open?.port === port) return;
      await open?.proxy.stop();
      const proxy = createDnsProxy({ port, plan, identityOf, onEvent, onLearnt, rejectCode, maxDelayMs, log });
      const started = await proxy.start();
      if (!started.ok) throw new Error(`DNS proxy: ${started.error.map(({ message }) => message).join('; ')}`);
      open = { port, proxy };
    },
    keepEndpoints: (addresses) => {
      if (learnt.keepEndpoints(addresses)) onNames();
    },
    beginRound: () => {
      const released = waiting;
      waiting = [];
      return () => {
        for (const release of released) release();
      };
    },
    stop: async () => {
      await open?.proxy.stop();
      await learnt.stop();
    },
  };
}
