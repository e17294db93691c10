import { type Fields, isObject, typeName } from '../config/fields.ts';
import { ACTION_PREFIX, ACTIONS, type ActionKind, actionName, POINTS, type PointKind, pointName } from './names.ts';
import { type MonitorConfig, readMonitors } from './read-monitors.ts';
import { readScaledTimers, type ScaledTimers } from './read-timers.ts';
import type { Trigger } from './trigger.ts';

export interface ActionConfig {
  /** As configured; what scales timers may have a name of its own. */
  readonly name: string;
  readonly kind: ActionKind;
  readonly triggers: readonly Trigger[];
  /** Of `reduce_timeouts`. */
  readonly timers: ScaledTimers | undefined;
  /** Of `shrink_heap`. */
  readonly shrink: ShrinkConfig | undefined;
}

export interface ShrinkConfig {
  readonly intervalMs: number;
}

export interface PointConfig {
  readonly kind: PointKind;
  readonly triggers: readonly Trigger[];
}

/** A compiled `envoy.config.overload.v3.OverloadManager`, of plain data that worker threads are handed. */
export interface OverloadConfig {
  readonly refreshMs: number;
  readonly monitors: readonly MonitorConfig[];
  readonly actions: readonly ActionConfig[];
  readonly points: readonly PointConfig[];
  /** How many downstream connections there may be at once, in all workers together. */
  readonly mostConnections: number | undefined;
}

const REFRESH_MS = 1000;
const SHRINK_MS = 10_000;

const CONFIG_TYPES: ReadonlyMap<ActionKind, string> = new Map([
  ['reduce_timeouts', 'envoy.config.overload.v3.ScaleTimersOverloadActionConfig'],
  ['shrink_heap', 'envoy.config.overload.v3.ShrinkHeapConfig'],
]);

/** Reads an `envoy.config.overload.v3.OverloadManager`. */
export function readOverload(fields: Fields): OverloadConfig {
  const { monitors, mostConnections, names } = readMonitors(fields);
  const actions = readActions(fields, names);
  refuseTwice(fields, 'actions', actions, 'Duplicate overload action');
  refuseTimersTwice(fields, actions);
  const points = readPoints(fields, names);
  refuseTwice(
    fields,
    'loadshed_points',
    points.map(({ kind }) => ({ name: pointName(kind) })),
    'Duplicate loadshed point',
  );
  const refreshMs = Math.max(1, fields.duration('refresh_interval') ?? REFRESH_MS);
  return { refreshMs, monitors, actions, points, mostConnections };
}

/** Names the first of a list that has the name of one before it. */
function refuseTwice(fields: Fields, key: string, list: readonly { readonly name: string }[], what: string): void {
  const at = list.findIndex(({ name }, index) => list.findIndex((other) => other.name === name) < index);
  if (at >= 0) fields.problem(`${key}[${at}].name`, `${what} ${list[at]?.name ?? ''}`);
}

function readActions(fields: Fields, resources: ReadonlySet<string>): readonly ActionConfig[] {
  return fields
    .list('actions', (action): ActionConfig | undefined => {
      const name = action.required('name');
      const triggers = readTriggers(action, resources, `overload action ${name}`, 'overload action');
      const kind = kindOf(action, name);
      if (!kind) {
        refuseStrange(action, typeOf(action));
        return undefined;
      }
      return { name, kind, triggers, ...readActionConfig(action, name, kind) };
    })
    .filter((action) => action !== undefined);
}

/** Undefined where the action is not known. */
function kindOf(action: Fields, name: string): ActionKind | undefined {
  const known = ACTIONS.find((kind) => actionName(kind) === name);
  if (known) return known;
  if (name.startsWith(ACTION_PREFIX)) {
    action.problem('name', `${name} is not supported by ciliate-proxy`, ACTIONS.map(actionName).join(', '));
    return undefined;
  }
  // What scales timers may be there several times, each under a name of its own.
  if (typeOf(action) === CONFIG_TYPES.get('reduce_timeouts')) return 'reduce_timeouts';
  action.problem('name', `Unknown Overload Manager Action ${name}`, ACTIONS.map(actionName).join(', '));
  return undefined;
}

/** Names a configuration that belongs to no action. */
function refuseStrange(action: Fields, type: string): boolean {
  const known = [...CONFIG_TYPES.values()];
  if (type === '' || known.includes(type)) return false;
  action.problem('typed_config.@type', `${type} is not supported by ciliate-proxy`, known.join(', '));
  return true;
}

function typeOf(fields: Fields): string {
  const config = fields.raw('typed_config');
  return isObject(config) ? typeName(config) : '';
}

function readActionConfig(action: Fields, name: string, kind: ActionKind): Pick<ActionConfig, 'timers' | 'shrink'> {
  const type = typeOf(action);
  const wanted = CONFIG_TYPES.get(kind);
  const nothing = { timers: undefined, shrink: undefined };
  if (refuseStrange(action, type)) return nothing;
  if (type === '' && kind === 'shrink_heap') return { timers: undefined, shrink: { intervalMs: SHRINK_MS } };
  if (wanted === undefined || type === '' || type !== wanted) {
    if (wanted !== undefined) {
      const found = type === '' ? 'requires typed_config' : `has an invalid typed_config: ${type} is not supported`;
      action.problem(type === '' ? 'typed_config' : 'typed_config.@type', `Overload action "${name}" ${found}`, wanted);
    } else if (type !== '') {
      const message = `Overload action "${name}" has an unexpected value for the typed_config field`;
      action.problem('typed_config', message, 'none');
    }
    return nothing;
  }
  if (kind === 'reduce_timeouts')
    return { timers: action.message('typed_config', readScaledTimers), shrink: undefined };
  const shrink = action.message('typed_config', (inner) => ({
    intervalMs: inner.duration('timer_interval') ?? SHRINK_MS,
  }));
  return { timers: undefined, shrink };
}

function refuseTimersTwice(fields: Fields, actions: readonly ActionConfig[]): void {
  const owners = new Map<string, string>();
  for (const [index, { name, timers }] of actions.entries()) {
    for (const timer of Object.keys(timers ?? {})) {
      const other = owners.get(timer);
      if (other === undefined) owners.set(timer, name);
      else {
        const message = `Timer type is configured by both overload actions "${other}" and "${name}"`;
        fields.problem(`actions[${index}].typed_config`, message);
      }
    }
  }
}

function readPoints(fields: Fields, resources: ReadonlySet<string>): readonly PointConfig[] {
  return fields
    .list('loadshed_points', (point): PointConfig | undefined => {
      const name = point.required('name');
      const triggers = readTriggers(point, resources, `loadshed point ${name}`, 'LoadShedPoint');
      const kind = POINTS.find((one) => pointName(one) === name);
      if (!kind) point.problem('name', `${name} is not supported by ciliate-proxy`, POINTS.map(pointName).join(', '));
      return kind && { kind, triggers };
    })
    .filter((point) => point !== undefined);
}

function readTriggers(fields: Fields, resources: ReadonlySet<string>, what: string, place: string): readonly Trigger[] {
  const triggers = fields.list('triggers', (trigger): Trigger => {
    const resource = trigger.required('name');
    if (!resources.has(resource)) trigger.problem('name', `Unknown trigger resource ${resource} for ${what}`);
    if (trigger.oneOf('trigger_oneof', ['threshold', 'scaled']) === 'scaled') {
      const scaled = trigger.message('scaled', (inner) => {
        const [scaling, saturation] = [
          inner.number('scaling_threshold') ?? 0,
          inner.number('saturation_threshold') ?? 0,
        ];
        if (scaling >= saturation) inner.problem('', 'scaling_threshold must be less than saturation_threshold');
        return { scaling, saturation };
      });
      return { kind: 'scaled', resource, scaling: scaled?.scaling ?? 0, saturation: scaled?.saturation ?? 1 };
    }
    const value = trigger.message('threshold', (inner) => inner.number('value')) ?? 0;
    return { kind: 'threshold', resource, value };
  });
  refuseTwice(
    fields,
    'triggers',
    triggers.map(({ resource }) => ({ name: resource })),
    `Duplicate trigger resource for ${place}`,
  );
  return triggers;
}
