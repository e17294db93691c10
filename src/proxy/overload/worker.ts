import type { StatsStore } from '../stats/store.ts';
import type { OverloadConfig } from './config.ts';
import type { OverloadStates } from './judge.ts';
import { type PointKind, pointName } from './names.ts';
import type { TimerKind } from './read-timers.ts';
import { TimerScale } from './scaled-deadline.ts';
import { ConnectionLimit, type OverloadMemory, startBeating } from './shared.ts';
import { POINT_STATS, type PointStats } from './stats.ts';

/** What a worker is started with where there is an overload manager. */
export interface OverloadSetup {
  readonly config: OverloadConfig;
  readonly memory: OverloadMemory;
}

const happens = (probability: number): boolean => probability > 0 && (probability >= 1 || Math.random() < probability);

/** A place at which load is shed with some probability. */
export class LoadShedPoint {
  readonly #stats: PointStats;
  #probability = 0;

  constructor(stats: PointStats) {
    this.#stats = stats;
  }

  set probability(value: number) {
    this.#probability = value;
    this.#stats.scale = Math.floor(value * 100);
  }

  sheds(): boolean {
    if (!happens(this.#probability)) return false;
    this.#stats.shed++;
    return true;
  }
}

/** What overload means for one worker, as the main thread has last told it. */
export class WorkerOverload {
  readonly connections: ConnectionLimit | undefined;
  readonly timers: Readonly<Partial<Record<TimerKind, TimerScale>>>;
  /** Nothing is accepted; who connects waits. */
  stopped = false;
  readonly #points = new Map<PointKind, LoadShedPoint>();
  #refusedRequests = 0;
  #closedConnections = 0;
  #rejectedConnections = 0;
  readonly #stopBeating: () => void;

  constructor({ config, memory }: OverloadSetup, stats: StatsStore, worker: number) {
    const scope = stats.scope();
    for (const { kind } of config.points)
      this.#points.set(kind, new LoadShedPoint(scope.get(POINT_STATS, `overload.${pointName(kind)}.`)));
    const timers = config.actions.flatMap((action) => Object.entries(action.timers ?? {}));
    this.timers = Object.fromEntries(timers.map(([kind, minimum]) => [kind, new TimerScale(minimum)]));
    const { mostConnections } = config;
    this.connections = mostConnections === undefined ? undefined : new ConnectionLimit(memory, mostConnections);
    const beats = config.monitors.some(({ source }) => source.kind === 'delay');
    this.#stopBeating = beats ? startBeating(memory, worker) : () => undefined;
  }

  point(kind: PointKind): LoadShedPoint | undefined {
    return this.#points.get(kind);
  }

  take({ actions, points, timers }: OverloadStates): void {
    this.#refusedRequests = actions.stop_accepting_requests ?? 0;
    this.#closedConnections = actions.disable_http_keepalive ?? 0;
    this.#rejectedConnections = actions.reject_incoming_connections ?? 0;
    this.stopped = actions.stop_accepting_connections === 1;
    for (const [kind, point] of this.#points) point.probability = points[kind] ?? 0;
    for (const [kind, scale] of Object.entries(this.timers)) scale.pressure = timers[kind as TimerKind] ?? 0;
  }

  /** Whether a request that came is not served. */
  refusesRequest(): boolean {
    return (
      happens(this.#refusedRequests) || (this.#points.get('http_connection_manager_decode_headers')?.sheds() ?? false)
    );
  }

  /** Whether a connection ends with the response that begins. */
  endsConnection(): boolean {
    return happens(this.#closedConnections);
  }

  /** Whether a connection that was accepted is closed at once. */
  rejectsConnection(): boolean {
    return (this.#points.get('tcp_listener_accept')?.sheds() ?? false) || happens(this.#rejectedConnections);
  }

  close(): void {
    this.#stopBeating();
  }
}
