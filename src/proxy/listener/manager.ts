import { isDeepStrictEqual } from 'node:util';
import type { Issue, Logger } from '../../base/index.ts';
import { formatAddress } from '../config/address.ts';
import type { FileSource } from '../config/config-source.ts';
import type { JsonObject } from '../config/fields.ts';
import type { InheritedSockets } from '../restart/inherited.ts';
import { LISTENER_MANAGER_STATS, type ListenerManagerStats } from '../server/stats.ts';
import { Deadline } from '../time/deadline.ts';
import type { OpenSocket } from '../worker/change.ts';
import { listenerAt } from './choose-listener.ts';
import {
  type CompileOptions,
  chainsOf,
  compileListener,
  differOnlyInChains,
  type Needs,
  withKeptChains,
} from './compile.ts';
import type { ListenerConfig } from './config.ts';
import { Listener } from './listener.ts';
import type { Entry, Pending } from './managed.ts';
import { DrainCount, type Want, Warming } from './warming.ts';

export interface ListenerManagerOptions extends CompileOptions {
  /** Ordinal of the worker. */
  readonly worker: number;
  /** Sockets of the process before. */
  readonly inherited?: InheritedSockets | undefined;
  /** Whether a first answer about something discovered has come. */
  readonly answered: (want: Want) => boolean;
  readonly log: Logger;
}

/** Whether the last configuration of a listener serves, warms, or warms while the one before serves. */
export type Warmth = 'active' | 'new' | 'newer';

export interface PutOptions {
  /** From the bootstrap: not to be replaced. */
  readonly fixed?: boolean | undefined;
  /** What the first worker has bound, in place of the configured addresses. */
  readonly sockets?: readonly OpenSocket[] | undefined;
}

/** All listeners by name. */
export class ListenerManager {
  readonly #entries = new Map<string, Entry>();
  readonly #options: ListenerManagerOptions;
  /** Held by tests and static proxies never; else until the proxy is initialized. */
  #phase: 'held' | 'waiting' | 'started' = 'started';
  /** Nothing is accepted for now. */
  #paused = false;
  /** What does not listen yet. */
  readonly #parked = new Set<Entry>();
  readonly #leaving = new Set<Listener>();
  readonly #drainingListeners = new DrainCount();
  readonly #drainingChains = new DrainCount();
  readonly #whenInitialized: (() => void)[] = [];
  /** Called when something that was waited for did not come in time. */
  onTimeout: ((want: Want) => void) | undefined = undefined;
  readonly #counts: ListenerManagerStats;

  constructor(options: ListenerManagerOptions) {
    this.#options = options;
    this.#counts = options.stats.scope().get(LISTENER_MANAGER_STATS, 'listener_manager.');
  }

  routeNames(): readonly string[] {
    return [...new Set(this.#needs().flatMap(({ routes }) => [...routes.keys()]))];
  }

  /** Those of `routeNames` that come from files. */
  routeFiles(): ReadonlyMap<string, FileSource> {
    return new Map(this.#needs().flatMap(({ files }) => [...files]));
  }

  /** Prefixes of the connection managers that use a route configuration. */
  routePrefixes(name: string): ReadonlySet<string> {
    return new Set(this.#needs().flatMap(({ routes }) => [...(routes.get(name) ?? [])]));
  }

  /** Discovered filters by name, and what each is. */
  filters(): Needs['filters'] {
    return new Map(this.#needs().flatMap(({ filters }) => [...filters]));
  }

  /** Discovered secrets by name; a file where they come from one. */
  secrets(): Needs['secrets'] {
    return new Map(this.#needs().flatMap(({ secrets }) => [...secrets]));
  }

  /** Of what is in force, and of what is to come. */
  #needs(): readonly Needs[] {
    return [...this.#entries.values()].flatMap(({ needs, next }) => (next ? [needs, next.compiled.needs] : [needs]));
  }

  names(): readonly string[] {
    return [...this.#entries].flatMap(([name, entry]) => (entry.fixed ? [] : [name]));
  }

  get(name: string): Listener | undefined {
    return this.#entries.get(name)?.listener;
  }

  all(): readonly Listener[] {
    return [...this.#entries.values()].map((entry) => entry.listener);
  }

  dump(): readonly { readonly json: JsonObject; readonly fixed: boolean }[] {
    return [...this.#entries.values()].map(({ json, fixed }) => ({ json, fixed }));
  }

  /** From now on listeners wait for `start`: the proxy is not initialized yet. */
  hold(): void {
    this.#phase = 'held';
  }

  /** What listeners need is subscribed to: they wait for it no longer than they want to. */
  begin(): void {
    this.#phase = 'waiting';
    for (const { warming } of this.#entries.values()) warming.begin();
  }

  /** The proxy is initialized: listeners that have what they need serve. */
  async start(): Promise<void> {
    this.begin();
    this.#phase = 'started';
    await this.onDiscovered();
  }

  /** Ends when no listener waits for anything. */
  initialized(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenInitialized.push(resolve);
      this.#tellInitialized();
    });
  }

  #tellInitialized(): void {
    if ([...this.#entries.values()].every(({ warming }) => warming.check()))
      for (const done of this.#whenInitialized.splice(0)) done();
  }

  /** Adds or replaces a listener. Its addresses were bound when this resolves; on failure nothing has changed. */
  async put(json: JsonObject, { fixed = false, sockets }: PutOptions = {}): Promise<readonly Issue[]> {
    const compiled = compileListener(json, this.#options);
    if (!compiled.ok) return compiled.error;
    const { needs, config: own } = compiled.value;
    const config = sockets ? { ...own, addresses: sockets.map(({ address }) => address) } : own;
    const before = this.#entries.get(config.name);
    if (before?.fixed || (before && isDeepStrictEqual((before.next ?? before).json, json))) {
      config.stats.close();
      return before.fixed ? [{ path: 'name', message: `${config.name} is a static listener of the bootstrap` }] : [];
    }
    const twin = this.#sharesAddress(config);
    if (twin !== undefined) {
      config.stats.close();
      const message = `error adding listener: '${config.name}' has duplicate address '${twin}' as existing listener`;
      return [{ path: 'address', message }];
    }
    const warming = this.#warmingOf(needs.wants);
    if (before) return this.#follow(before, { compiled: { config, needs }, json, sockets, warming });
    const entry: Entry = {
      listener: new Listener(config, {
        worker: this.#options.worker,
        overload: this.#options.context.overload,
        inherited: this.#options.inherited,
        ready: () => this.#phase === 'started' && entry.warming.done,
        listenerAt: (local) => listenerAt(this.all(), local),
      }),
      json,
      needs,
      warming,
      next: undefined,
      drainsUntil: 0,
      fixed,
    };
    const opened = await entry.listener.bind(config, sockets);
    if (!opened.ok) {
      this.#counts.createFailure++;
      entry.listener.close();
      return [{ path: '', message: `error adding listener '${config.name}': ${opened.error}` }];
    }
    this.#entries.set(config.name, entry);
    this.#counts.added++;
    if (this.#phase !== 'held') warming.begin();
    if (this.#phase === 'started' && warming.check()) this.#counts.createSuccess++;
    else this.#park(entry);
    this.#pauseNew(entry.listener);
    return [];
  }

  #warmingOf(wants: readonly Want[]): Warming {
    return new Warming(wants, {
      answered: this.#options.answered,
      timedOut: (want) => {
        this.onTimeout?.(want);
        void this.onDiscovered();
      },
    });
  }

  #park(entry: Entry): void {
    entry.listener.park();
    this.#parked.add(entry);
  }

  async #unpark(entry: Entry, counted = true): Promise<void> {
    this.#parked.delete(entry);
    const opened = await entry.listener.unpark();
    if (opened.ok) this.#counts.createSuccess += counted ? 1 : 0;
    else {
      this.#counts.createFailure += counted ? 1 : 0;
      this.#options.log.error(
        { listener: entry.listener.config.name, reason: opened.error },
        'a listener cannot serve',
      );
    }
    this.#pauseNew(entry.listener);
    entry.listener.release();
  }

  #pauseNew(listener: Listener): void {
    if (this.#paused && !listener.config.bypassOverload) listener.pause();
  }

  /** Accepts nothing for a while, or again: who connects meanwhile waits. */
  async pause(paused: boolean): Promise<void> {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const entry of this.#entries.values()) {
      if (this.#parked.has(entry) || entry.listener.config.bypassOverload) continue;
      if (paused) entry.listener.pause();
      else await this.#unpark(entry, false);
    }
  }

  /** Takes a newer configuration into force, at once or when it has what it needs; what only one worker can bind does not wait. */
  async #follow(entry: Entry, next: Pending): Promise<readonly Issue[]> {
    entry.next?.warming.stop();
    entry.next?.compiled.config.stats.close();
    entry.next = undefined;
    const { warming, sockets } = next;
    if (this.#phase !== 'held') warming.begin();
    if (!this.#serves(entry) || warming.check() || sockets?.some(({ fd }) => fd !== undefined))
      return this.#update(entry, next);
    this.#countModified(entry, next.json);
    entry.next = next;
    return [];
  }

  /** An address that another listener has: who would get a connection to it would be left to chance. */
  #sharesAddress({ name, addresses, bindToPort }: ListenerConfig): string | undefined {
    const own = addresses.filter((one) => !bindToPort || one.kind !== 'socket' || one.port !== 0).map(formatAddress);
    const others = [...this.#entries.values()].filter(({ listener }) => listener.config.name !== name);
    const taken = new Set(others.flatMap(({ listener }) => listener.config.addresses.map(formatAddress)));
    return own.find((address) => taken.has(address));
  }

  async #update(
    entry: Entry,
    { compiled, json, sockets, warming }: Pending,
    counted = false,
  ): Promise<readonly Issue[]> {
    const { listener } = entry;
    const { config, needs } = compiled;
    if (listener.config.sockets.transparent !== config.sockets.transparent) {
      config.stats.close();
      const message = `error updating listener '${config.name}': transparent cannot change while it is bound`;
      return [{ path: 'transparent', message }];
    }
    const bound = await listener.bind(config, sockets);
    if (!bound.ok) {
      config.stats.close();
      return [{ path: '', message: `error updating listener '${config.name}': ${bound.error}` }];
    }
    if (!counted) this.#countModified(entry, json);
    const { merged, kept } = withKeptChains(listener.config, config);
    this.#countDraining(entry, json, chainsOf(listener.config).length - kept.size);
    listener.replace(merged, kept);
    entry.warming.stop();
    Object.assign(entry, { json, needs, warming });
    if (!this.#parked.has(entry) && !(this.#phase === 'started' && warming.check())) this.#park(entry);
    return [];
  }

  #countModified(entry: Entry, json: JsonObject): void {
    this.#counts.modified++;
    if (this.#serves(entry) && differOnlyInChains(entry.json, json)) this.#counts.inPlaceUpdated++;
  }

  /** Envoy makes a new listener, and drains the one before, when more than the filter chains differs. */
  #countDraining(entry: Entry, json: JsonObject, goneChains: number): void {
    if (!this.#serves(entry)) return;
    this.#counts.createSuccess++;
    const { timeMs } = this.#options.drain.settings;
    if (differOnlyInChains(entry.json, json)) this.#drainingChains.add(goneChains, timeMs);
    else {
      this.#drainingListeners.add(1, timeMs);
      entry.drainsUntil = performance.now() + timeMs;
    }
  }

  #serves(entry: Entry): boolean {
    return this.#phase === 'started' && !this.#parked.has(entry);
  }

  /** Accepts nothing more, at all listeners or at inbound ones. */
  stopAccepting(inboundOnly: boolean): void {
    for (const listener of this.all()) {
      if (inboundOnly && !listener.config.inbound) continue;
      this.#counts.stopped++;
      listener.stopAccepting();
    }
  }

  /** Listeners that wait for discovered parts, with what they wait for. */
  waiting(): readonly { readonly listener: string; readonly wants: readonly Want[] }[] {
    return [...this.#entries].flatMap(([listener, { warming, next }]) =>
      [warming, ...(next ? [next.warming] : [])].flatMap((one) =>
        one.check() ? [] : [{ listener, wants: one.missing }],
      ),
    );
  }

  warmth(name: string): Warmth {
    const entry = this.#entries.get(name);
    if (!entry || this.#phase !== 'started') return 'active';
    if (entry.next) return 'newer';
    return entry.warming.done ? 'active' : 'new';
  }

  /** Whether the listener that had the name before still drains. */
  drains(name: string): boolean {
    return (this.#entries.get(name)?.drainsUntil ?? 0) > performance.now();
  }

  /** Before the start all count as active, as in Envoy. */
  gauges(): Readonly<Record<'active' | 'warming' | 'draining' | 'chainsDraining' | 'workersStarted', number>> {
    const started = this.#phase === 'started';
    const entries = [...this.#entries.values()];
    const cold = started ? entries.filter(({ warming }) => !warming.done).length : 0;
    return {
      active: entries.length - cold,
      warming: cold + entries.filter(({ next }) => next !== undefined).length,
      draining: this.#drainingListeners.value,
      chainsDraining: this.#drainingChains.value,
      workersStarted: started ? 1 : 0,
    };
  }

  /** The issues of a listener, without binding it. */
  check(json: JsonObject): readonly Issue[] {
    const compiled = compileListener(json, this.#options);
    if (!compiled.ok) return compiled.error;
    compiled.value.config.stats.close();
    return [];
  }

  remove(name: string): void {
    const entry = this.#entries.get(name);
    if (!entry || entry.fixed) return;
    this.#entries.delete(name);
    this.#counts.removed++;
    entry.warming.stop();
    entry.next?.warming.stop();
    entry.next?.compiled.config.stats.close();
    const { listener } = entry;
    listener.close();
    // One that never served is gone at once.
    if (this.#parked.delete(entry)) return;
    const { timeMs } = this.#options.drain.settings;
    this.#drainingListeners.add(1, timeMs);
    this.#leaving.add(listener);
    new Deadline(() => this.#leaving.delete(listener)).start(Math.max(1, timeMs));
  }

  /** A discovered resource came, or is not waited for any more: listeners that need nothing more start to serve. */
  async onDiscovered(): Promise<void> {
    for (const entry of this.#entries.values()) {
      const { next } = entry;
      if (next?.warming.check()) {
        entry.next = undefined;
        const issues = await this.#update(entry, next, true);
        const listener = entry.listener.config.name;
        if (issues.length > 0) this.#options.log.error({ listener, issues }, 'a newer listener cannot serve');
      }
      if (this.#phase === 'started' && entry.warming.check() && this.#parked.has(entry)) await this.#unpark(entry);
      entry.listener.release();
    }
    this.#tellInitialized();
  }

  async stop(milliseconds: number): Promise<void> {
    const listeners = [...this.all(), ...this.#leaving];
    this.#entries.clear();
    await Promise.all(listeners.map((listener) => listener.stop(milliseconds)));
  }
}
