import { isDeepStrictEqual } from 'node:util';
import { fail, type Issue, type Logger, ok, type Result } from '../base/index.ts';
import type { PacketEvent } from '../model/flow/index.ts';
import type { DatapathPlan, MonitorAggregation } from '../plan/index.ts';
import { compileRuleset, type Ruleset } from './compile.ts';
import { readLinkState, runLinkCommands } from './link-runner.ts';
import { type LinkState, linkCommands } from './links.ts';
import { createNftRunner, type NftRunner } from './nft.ts';
import { openPacketLog, type PacketLog } from './open-packet-log.ts';
import { probe } from './probe.ts';
import { createRuleIndex, type RuleIndex } from './rule-index.ts';
import { difference, emptyRuleset, replaceAll, replaceInParts } from './transaction.ts';

export interface DatapathOptions {
  readonly log: Logger;
  readonly onPacket: (event: PacketEvent) => void;
  /** Packets the kernel could not report since the last call. */
  readonly onLost?: (count: number) => void;
}

export interface ApplyStats {
  readonly added: number;
  readonly removed: number;
  /** Whether the whole table was replaced: the first time, for other traces, or because someone else had changed it. */
  readonly replaced: boolean;
  /** Whether links or routes changed. */
  readonly links: boolean;
  readonly milliseconds: number;
}

export interface Datapath {
  /** Checks what the kernel offers and starts to read packet events. The issues name what is missing; apply must not be called then. */
  start(): Promise<Result<void, Issue[]>>;
  /**
   * Puts a plan into force, after any apply before it: rules and elements in one transaction, then links and routes.
   * On failure of the transaction the state before stays in force and the issue holds nft's words.
   */
  apply(plan: DatapathPlan): Promise<Result<ApplyStats, Issue[]>>;
  /** Stops reading events. Rules stay in the kernel, so that policy holds while no agent runs. */
  stop(): Promise<void>;
}

interface InForce {
  readonly ruleset: Ruleset;
  readonly monitorAggregation: MonitorAggregation;
}

/** The kernel side of one node, in the network namespace that this process runs in. */
export function createDatapath(options: DatapathOptions): Datapath {
  const nft = createNftRunner();
  let packetLog: PacketLog | undefined;
  let rules: RuleIndex | undefined;
  let links: LinkState | undefined;
  let inForce: InForce | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  async function start(): Promise<Result<void, Issue[]>> {
    const missing = await probe(nft);
    if (missing.length > 0) return fail(missing);
    const state = await readLinkState();
    if (!state.ok) return fail([{ path: 'links', message: state.error }]);
    links = { ...state.value, applied: undefined };
    const opened = openPacketLog({ ...options, rulesOf: (event) => rules?.rulesOf(event) });
    if (!opened.ok) return opened;
    packetLog = opened.value;
    return ok(undefined);
  }

  async function apply(plan: DatapathPlan): Promise<Result<ApplyStats, Issue[]>> {
    const begun = performance.now();
    if (!links) return fail([{ path: 'datapath', message: 'is not started' }]);
    const compiled = compileRuleset(plan);
    if (!compiled.ok) return compiled;
    const { monitorAggregation } = plan;
    const before = isDeepStrictEqual(inForce?.monitorAggregation, monitorAggregation) ? inForce?.ruleset : undefined;
    const written = await writeRuleset(nft, before, compiled.value, monitorAggregation);
    if (!written.ok) return fail([{ path: 'nftables', message: written.error }]);
    inForce = { ruleset: compiled.value, monitorAggregation };
    rules = createRuleIndex(plan);
    const commands = linkCommands(links, plan);
    const changesLinks = commands.ip.length + commands.bridge.length + commands.cleanup.length > 0;
    if (changesLinks) {
      const done = await runLinkCommands(commands);
      if (!done.ok) return fail([{ path: 'links', message: done.error }]);
    }
    links = { hasProxyRule: true, hasOverlay: plan.mode === 'vxlan', applied: plan };
    const milliseconds = performance.now() - begun;
    return ok({ ...written.value, links: changesLinks, milliseconds });
  }

  return {
    start,
    apply(plan) {
      const done = queue.then(() => apply(plan));
      queue = done.catch(() => {});
      return done;
    },
    async stop() {
      await queue;
      packetLog?.close();
      nft.close();
    },
  };
}

type Written = Pick<ApplyStats, 'added' | 'removed' | 'replaced'>;

/** Writes the difference; when the kernel refuses it because the table is not what it was, writes everything once. */
async function writeRuleset(
  nft: NftRunner,
  before: Ruleset | undefined,
  next: Ruleset,
  aggregation: MonitorAggregation,
): Promise<Result<Written, string>> {
  if (before) {
    const { commands, added, removed } = difference(before, next);
    if (commands === '') return ok({ added: 0, removed: 0, replaced: false });
    const done = await nft.run(commands);
    if (done.ok) return ok({ added, removed, replaced: false });
  }
  const all = replaceAll(next, aggregation);
  let done = await nft.run(all.commands);
  if (!done.ok && /Message too long/i.test(done.error)) {
    for (const part of replaceInParts(next, aggregation)) {
      done = await nft.run(part);
      if (!done.ok) break;
    }
  }
  if (!done.ok) return done;
  const { removed } = difference(before ?? emptyRuleset, next);
  return ok({ added: all.added, removed, replaced: true });
}
