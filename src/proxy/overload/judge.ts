import type { ActionConfig, OverloadConfig } from './config.ts';
import type { ActionKind, PointKind } from './names.ts';
import type { TimerKind } from './read-timers.ts';
import { type Trigger, triggered } from './trigger.ts';

/** What workers are told: how far everything has gone, 0 to 1; what is absent is at 0. */
export interface OverloadStates {
  readonly actions: Readonly<Partial<Record<ActionKind, number>>>;
  readonly points: Readonly<Partial<Record<PointKind, number>>>;
  readonly timers: Readonly<Partial<Record<TimerKind, number>>>;
}

/** Turns pressures of resources into states of actions and load shed points. */
export interface Judge {
  /** A resource has a pressure; true: states differ now from what they were. */
  update(resource: string, pressure: number): boolean;
  /** How far an action has gone. */
  stateOf(action: ActionConfig): number;
  states(): OverloadStates;
}

export function createJudge({ actions, points }: Pick<OverloadConfig, 'actions' | 'points'>): Judge {
  const pressures = new Map<string, number>();
  const state = (triggers: readonly Trigger[]): number =>
    Math.max(0, ...triggers.map((trigger) => stateUnder(trigger, pressures.get(trigger.resource))));
  const snapshot = (): readonly number[] => [...actions, ...points].map(({ triggers }) => state(triggers));
  let before = snapshot();
  return {
    update: (resource, pressure) => {
      pressures.set(resource, pressure);
      const now = snapshot();
      const changed = now.some((value, at) => value !== before[at]);
      before = now;
      return changed;
    },
    stateOf: ({ triggers }) => state(triggers),
    states: () => ({
      actions: Object.fromEntries(actions.map(({ kind, triggers }) => [kind, state(triggers)])),
      points: Object.fromEntries(points.map(({ kind, triggers }) => [kind, state(triggers)])),
      timers: Object.fromEntries(
        actions.flatMap(({ timers = {}, triggers }) => Object.keys(timers).map((kind) => [kind, state(triggers)])),
      ),
    }),
  };
}

/** A resource that was never measured triggers nothing, not even a threshold of 0. */
function stateUnder(trigger: Trigger, pressure: number | undefined): number {
  return pressure === undefined ? 0 : triggered(trigger, pressure);
}
