import type { Asked } from './cluster.ts';
import type { Direction, Versions } from './versions.ts';

/**
 * How long after a kill requests may fail that go through the killed data plane, unless one passes earlier: a busy machine takes long to start
 * it, and its agent, which configures it, may be killed meanwhile.
 */
const restartMaxMs = 30_000;

export interface Judgement {
  /** Looks at answers whose versions are settled. */
  judge(answers: readonly Asked[]): void;
  /** Notes that the data plane of a node is being killed; the answer is called when it is gone. */
  killed(node: number, ms: number): (goneMs: number) => void;
  readonly counts: Counts;
}

export interface Counts {
  requests: number;
  /** Those over a connection that had been used before. */
  kept: number;
  passed: number;
  /** Requests that every version allowed, that none allowed, and where versions differed. */
  always: number;
  never: number;
  between: number;
  /** Of those that every version allowed: failed while their own data plane restarted, or while a change moved them to another path. */
  excusedByRestart: number;
  excusedByPath: number;
  restarts: number;
  longestRestartMs: number;
  readonly violations: string[];
  readonly failures: string[];
}

interface Restart {
  readonly node: number;
  readonly direction: Direction;
  readonly fromMs: number;
  /** What passes before comes from the data plane that dies. */
  goneMs: number;
  toMs: number;
}

/** `nodeOf`: the node of a pod's address; undefined for the outside, which has no policy. */
export function createJudgement(versions: Versions, nodeOf: (address: string) => number | undefined): Judgement {
  const counts: Counts = {
    requests: 0,
    kept: 0,
    passed: 0,
    always: 0,
    never: 0,
    between: 0,
    excusedByRestart: 0,
    excusedByPath: 0,
    restarts: 0,
    longestRestartMs: 0,
    violations: [],
    failures: [],
  };
  const restarts: Restart[] = [];

  const ways = (asked: Asked) =>
    (['egress', 'ingress'] as const).flatMap((direction) => {
      const node = nodeOf(direction === 'egress' ? asked.client : asked.backend);
      return node === undefined ? [] : [{ direction, node, decisions: versions.decisions(node, asked, direction) }];
    });

  /** A request that passed through a data plane ends the time in which others may fail there. */
  function noteRecovery(asked: Asked): void {
    for (const { direction, node, decisions } of ways(asked)) {
      if (!decisions.every(({ verdict }) => verdict === 'http')) continue;
      for (const restart of restarts) {
        if (restart.node !== node || restart.direction !== direction || restart.goneMs > asked.from) continue;
        if (restart.toMs <= asked.to) continue;
        restart.toMs = asked.to;
      }
    }
  }

  function isRestarting(asked: Asked, direction: Direction, node: number): boolean {
    return restarts.some((restart) => {
      if (restart.node !== node || restart.direction !== direction) return false;
      return restart.fromMs <= asked.to && asked.from <= Math.min(restart.toMs, restart.fromMs + restartMaxMs);
    });
  }

  function judgeOne(asked: Asked): void {
    const both = ways(asked);
    const some = both.every(({ decisions }) => decisions.some(({ passes }) => passes));
    const every = both.every(({ decisions }) => decisions.every(({ passes }) => passes));
    const passed = asked.outcome === 'passed';
    counts.requests++;
    if (asked.opened !== undefined && asked.opened < asked.from - 1) counts.kept++;
    if (passed) counts.passed++;
    if (every) counts.always++;
    else if (some) counts.between++;
    else counts.never++;
    if (passed && !some) counts.violations.push(textOf(asked));
    if (passed || !every) return;
    if (both.some(({ direction, node }) => isRestarting(asked, direction, node))) counts.excusedByRestart++;
    // A change that puts the proxy into a connection's way, or takes it out, ends the connection (policy.md, section 5).
    else if (both.some(({ node, direction }) => versions.paths(node, asked, direction).size > 1))
      counts.excusedByPath++;
    else counts.failures.push(textOf(asked));
  }

  return {
    counts,
    killed(node, ms) {
      counts.restarts++;
      const both = (['egress', 'ingress'] as const).map((direction): Restart => {
        return { node, direction, fromMs: ms, goneMs: Number.POSITIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
      });
      restarts.push(...both);
      return (goneMs) => {
        for (const restart of both) restart.goneMs = goneMs;
      };
    },
    judge(answers) {
      for (const asked of answers) if (asked.outcome === 'passed') noteRecovery(asked);
      for (const asked of answers) judgeOne(asked);
      const ended = restarts.map(({ fromMs, toMs }) => toMs - fromMs).filter(Number.isFinite);
      counts.longestRestartMs = Math.max(0, ...ended);
    },
  };
}

function textOf({ client, backend, method, path, from, to, opened = from, outcome }: Asked): string {
  const when = new Date(from).toISOString().slice(11, 23);
  return `${when} ${client} > ${backend} ${method} ${path}: ${outcome} after ${Math.round(to - from)} ms, connection opened ${Math.round(from - opened)} ms before`;
}
