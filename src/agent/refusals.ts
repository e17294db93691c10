import type { NodePlan, Refusal, World } from '../plan/index.ts';
import { isPolicyKind, rulePrefix } from '../policy/index.ts';
import type { Applied } from './apply.ts';

export interface Refusals {
  /**
   * Takes note of what the data plane refused of a plan. True when that brought a configuration to light that was not known
   * to be refused: then the world has changed and a new plan is due.
   */
  note(next: NodePlan, planned: World, outcome: Applied['outcome']): boolean;
  /** As `World.refused`. */
  current(): ReadonlyMap<string, Refusal>;
  /** As `World.lastGood`: never a version that was refused. */
  lastGood(): ReadonlyMap<string, unknown>;
  /** Another data plane may accept what this one refused. */
  forget(): void;
}

interface Versioned {
  readonly kind?: string;
  readonly metadata?: {
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly generation?: number;
  };
}

/** Remembers which versions of Envoy configurations and policies the data plane refused, and the last versions that it took. */
export function createRefusals(): Refusals {
  let refused: ReadonlyMap<string, Refusal> = new Map();
  let lastGood: ReadonlyMap<string, unknown> = new Map();
  return {
    note(next, planned, outcome) {
      const found =
        outcome.state === 'rejected' ? refusedObjects(next, planned, outcome.rejections) : new Map<string, Refusal>();
      const kept = [...lastGood].filter(([key]) => found.has(key));
      lastGood = new Map([...[...next.lastGood].filter(([key]) => !found.has(key)), ...kept]);
      if (found.size === 0) return false;
      refused = new Map([...refused, ...found]);
      return true;
    },
    current: () => refused,
    lastGood: () => lastGood,
    forget: () => {
      refused = new Map();
    },
  };
}

/** The Envoy configurations and policies in force that a rejection names, each with the data plane's words. */
function refusedObjects(
  next: NodePlan,
  planned: World,
  rejections: Applied['outcome']['rejections'],
): Map<string, Refusal> {
  const found = new Map<string, Refusal>();
  for (const object of [...planned.envoyConfigs, ...planned.policies] as readonly Versioned[]) {
    const { namespace = '', name = '', uid, generation } = object.metadata ?? {};
    const key = `${object.kind}/${namespace}/${name}`;
    // Only a version that this plan tried can have been refused now.
    if (next.lastGood.get(key) !== object) continue;
    const resources = (next.envoyConfigResources.get(key) ?? []).map((one) => `${one}: `);
    const marks = isPolicyKind(object.kind) ? [`["${rulePrefix({ kind: object.kind, namespace, name })}`] : resources;
    const messages = rejections
      .map(({ message }) => message)
      .filter((message) => marks.some((one) => message.includes(one)));
    if (messages.length > 0) found.set(key, { uid, generation, message: messages.join('; ') });
  }
  return found;
}
