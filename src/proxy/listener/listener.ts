import type net from 'node:net';
import { fail, ok, type Result } from '../../base/index.ts';
import { closeDescriptor, duplicateDescriptor } from '../../sys/index.ts';
import type { SourceAddress } from '../cluster/upstream-socket.ts';
import { type Address, formatAddress } from '../config/address.ts';
import type { Peer } from '../http/stream-info.ts';
import type { TerminalFilter } from '../network/chain.ts';
import { type AcceptedSocket, countUnserved, openConnection, type ServedConnection } from '../network/connection.ts';
import type { WorkerOverload } from '../overload/worker.ts';
import type { InheritedSockets } from '../restart/inherited.ts';
import type { StatsScope } from '../stats/store.ts';
import { Deadline } from '../time/deadline.ts';
import type { Handshake } from '../tls/handshake.ts';
import { closeInternal, type InternalAccept, openInternal } from '../transport/internal.ts';
import type { OpenSocket } from '../worker/change.ts';
import { boundAddress, discard, type Parked, type Socket, sameAddress } from './bound.ts';
import { chooseChain } from './choose-chain.ts';
import type { FilterChain, ListenerConfig } from './config.ts';
import { type ConnectionEntry, enterConnection, logRefused, NO_BYTES } from './entry.ts';
import { listeningDescriptors, sharedSockets } from './handed.ts';
import { type Found, Inspection, NOTHING_FOUND } from './inspection.ts';
import { admitsConnection, releaseOf } from './overload.ts';
import { peersOf, restoreDestination, setInternalPeers } from './peers.ts';
import { secureSocket } from './secure.ts';
import { descriptorOf, openServer } from './sockets.ts';
import { LISTENER_STATS, type ListenerStats, WORKER_LISTENER_STATS, type WorkerListenerStats } from './stats.ts';

const MAX_WAITING = 1024;

/** What a listener asks of its surroundings. */
export interface ListenerHost {
  /** Ordinal of the worker. */
  readonly worker: number;
  readonly overload: WorkerOverload | undefined;
  /** Sockets of the process before. */
  readonly inherited: InheritedSockets | undefined;
  /** Whether all discovered parts are there. */
  ready(): boolean;
  /** The listener for a destination. */
  listenerAt(local: Peer): Listener | undefined;
}

/** A listener at work: its sockets, and the connections of each of its filter chains. */
export class Listener {
  config: ListenerConfig;
  stats: ListenerStats;
  /** The share of this worker. */
  workerStats: WorkerListenerStats;
  readonly #sockets: Socket[] = [];
  #internal: InternalAccept | undefined = undefined;
  readonly #connections = new Map<FilterChain, Set<ServedConnection>>();
  /** Addresses of a listener that accepts nothing more. */
  #stopped: readonly Address[] | undefined = undefined;
  /** Addresses that are left alone until the listener serves. */
  #parked: Parked[] = [];
  readonly #draining = new Set<ServedConnection>();
  /** Connections that came before all discovered parts were there. */
  readonly #waiting: net.Socket[] = [];
  /** Connections that are not decrypted yet. */
  readonly #handshakes = new Set<Handshake>();
  /** Connections whose first bytes are awaited. */
  readonly #inspections = new Set<Inspection>();
  readonly #host: ListenerHost;
  /** Held until the connections of former configurations are gone. */
  readonly #formerStats: StatsScope[] = [];
  readonly #drainEnd = new Deadline(() => this.#destroyDraining());

  constructor(config: ListenerConfig, host: ListenerHost) {
    this.config = config;
    this.#host = host;
    [this.stats, this.workerStats] = this.#statsOf(config);
  }

  #statsOf({ stats, statPrefix }: ListenerConfig): [ListenerStats, WorkerListenerStats] {
    return [
      stats.get(LISTENER_STATS, statPrefix),
      stats.get(WORKER_LISTENER_STATS, `${statPrefix}worker_${this.#host.worker}.`),
    ];
  }

  /** Binds the addresses that are not bound yet. On failure none of the new ones stays. */
  async bind(config: ListenerConfig, shared: readonly OpenSocket[] = []): Promise<Result<void, string>> {
    const opened: Socket[] = [];
    for (const address of config.bindToPort ? config.addresses : []) {
      if ([...this.#sockets, ...this.#parked].some((one) => sameAddress(one.address, address))) continue;
      const fd = shared.find((one) => sameAddress(one.address, address))?.fd;
      const inherited = this.#host.inherited?.take(formatAddress(address)) ?? [];
      for (const given of inherited.length > 0 ? inherited : [fd]) {
        const server = await openServer(address, config.sockets, given, (socket) => this.#arrive(socket));
        if (!server.ok) {
          for (const socket of opened) socket.server.close();
          return fail(`cannot bind '${formatAddress(address)}': ${server.error}`);
        }
        opened.push({ address, server: server.value, inherited: inherited.length > 0 });
      }
    }
    this.#sockets.push(...opened);
    if (config.internal && !this.#openInternal(config.name)) return fail(`an internal listener of that name is there`);
    return ok(undefined);
  }

  #openInternal(name: string): boolean {
    if (this.#internal) return true;
    const accept: InternalAccept = (socket, endpointId) => {
      setInternalPeers(socket, name, endpointId);
      this.#accept(socket);
    };
    if (!openInternal(name, accept)) return false;
    this.#internal = accept;
    return true;
  }

  #closeInternal(): void {
    if (this.#internal) closeInternal(this.config.name, this.#internal);
    this.#internal = undefined;
  }

  /** Takes a new configuration into force: connections of chains that did not change go on, the others drain. */
  replace(config: ListenerConfig, kept: ReadonlySet<FilterChain>): void {
    this.#forget((one) => !config.addresses.some((address) => sameAddress(address, one.address)));
    this.#formerStats.push(this.config.stats);
    this.config = config;
    [this.stats, this.workerStats] = this.#statsOf(config);
    for (const [chain, connections] of this.#connections) {
      if (kept.has(chain)) continue;
      this.#connections.delete(chain);
      this.#beginDrain(chain, connections);
    }
    for (let at = this.#sockets.length - 1; at >= 0; at--) {
      const socket = this.#sockets[at];
      if (!socket || config.addresses.some((address) => sameAddress(address, socket.address))) continue;
      socket.server.close();
      this.#sockets.splice(at, 1);
    }
    this.#releaseStats();
  }

  #releaseStats(): void {
    if (this.#draining.size === 0) for (const scope of this.#formerStats.splice(0)) scope.close();
  }

  /** Addresses as bound, with the port the kernel chose for 0. */
  get bound(): readonly string[] {
    return this.boundAddresses.map(formatAddress);
  }

  get boundAddresses(): readonly Address[] {
    const all = [...this.#parked.map(({ bound }) => bound), ...this.#sockets.map(boundAddress)];
    return this.#stopped ?? [...new Map(all.map((address) => [formatAddress(address), address])).values()];
  }

  /**
   * Leaves its addresses alone until `unpark`, so that connections are refused as long as the listener cannot serve them. An
   * address that cannot be bound twice stays bound, and who connects waits.
   */
  park(): void {
    this.#park(({ address }) => address.kind === 'socket' && this.config.sockets.reusePort, false);
  }

  /** Accepts nothing until `unpark`: who connects waits in the kernel. A Unix socket goes on, since Node would take its path away. */
  pause(): void {
    this.#park(({ address }) => address.kind === 'socket', true);
  }

  #park(fits: (socket: Socket) => boolean, listening: boolean): void {
    for (const socket of this.#sockets.filter(fits)) {
      const parked = { address: socket.address, bound: boundAddress(socket) };
      this.#parked.push(
        listening || socket.inherited ? { ...parked, fd: duplicateDescriptor(descriptorOf(socket.server)) } : parked,
      );
      socket.server.close();
      this.#sockets.splice(this.#sockets.indexOf(socket), 1);
    }
  }

  #forget(gone: (one: Parked) => boolean): void {
    for (const { fd } of this.#parked.filter(gone)) if (fd !== undefined) closeDescriptor(fd);
    this.#parked = this.#parked.filter((one) => !gone(one));
  }

  /** Binds again what was parked. */
  async unpark(): Promise<Result<void, string>> {
    const parked = this.#parked;
    this.#parked = [];
    for (const { address, bound, fd } of parked) {
      const server = await openServer(bound, this.config.sockets, fd, (socket) => this.#arrive(socket));
      if (!server.ok) return fail(`cannot bind '${formatAddress(bound)}': ${server.error}`);
      this.#sockets.push({ address, server: server.value, inherited: fd !== undefined });
    }
    return ok(undefined);
  }

  /** Descriptors, which stay the listener's, of the TCP sockets at which it listens; of those that workers share the first tells. */
  descriptors(): readonly { readonly address: string; readonly fd: number }[] {
    if (!this.config.sockets.reusePort && this.#host.worker > 0) return [];
    return listeningDescriptors(this.#parked, this.#sockets);
  }

  /** The sockets for another worker; one that cannot be bound twice is duplicated and the caller owns the descriptor. */
  shareSockets(): readonly OpenSocket[] {
    return sharedSockets(this.#parked, this.#sockets, this.config.sockets.reusePort);
  }

  /** Accepts nothing more; connections stay. */
  stopAccepting(): void {
    this.#stopped = this.boundAddresses;
    for (const { server } of this.#sockets.splice(0)) server.close();
    this.#closeInternal();
  }

  get isDraining(): boolean {
    return this.#draining.size > 0;
  }

  /** Accepts nothing more. Connections end with their next response, all of them when the drain time is over. */
  close(): void {
    this.#forget(() => true);
    for (const { server } of this.#sockets.splice(0)) server.close();
    this.#closeInternal();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
    for (const inspection of [...this.#inspections]) inspection.destroy();
    this.#inspections.clear();
    for (const handshake of this.#handshakes) handshake.destroy();
    this.#handshakes.clear();
    for (const [chain, connections] of this.#connections) this.#beginDrain(chain, connections);
    this.#connections.clear();
    this.#formerStats.push(this.config.stats);
    this.#releaseStats();
  }

  /** For the end of the process: idle connections close now, the others after their response or `milliseconds`. */
  async stop(milliseconds: number): Promise<void> {
    this.close();
    for (const connection of this.#draining) connection.drain();
    const end = performance.now() + milliseconds;
    while (this.#draining.size > 0 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#destroyDraining();
  }

  /** All discovered parts are there: serve who waited. */
  release(): void {
    if (!this.#host.ready()) return;
    for (const socket of this.#waiting.splice(0)) if (!socket.destroyed) this.#inspect(socket);
  }

  #beginDrain(chain: FilterChain, connections: ReadonlySet<ServedConnection>): void {
    chain.drain.start();
    for (const connection of connections) this.#draining.add(connection);
    if (connections.size > 0 && !this.#drainEnd.waiting) this.#drainEnd.start(chain.drain.timeMs);
  }

  #destroyDraining(): void {
    this.#drainEnd.stop();
    for (const connection of [...this.#draining]) connection.destroy();
    this.#draining.clear();
    this.#releaseStats();
  }

  /** A connection that another listener accepted for this one's address. */
  #takeOver(socket: net.Socket, found: Found, wasRead: boolean): void {
    if (wasRead) this.#serve(socket, found, wasRead);
    else this.#accept(socket);
  }

  #arrive(socket: net.Socket): void {
    const { overload } = this.#host;
    if (!overload || admitsConnection(socket, overload, this.config, this.stats)) this.#accept(socket);
  }

  #accept(socket: net.Socket): void {
    if (this.#host.ready()) {
      this.#inspect(socket);
      return;
    }
    socket.on('error', () => undefined);
    if (this.#waiting.length >= MAX_WAITING) socket.destroy();
    else this.#waiting.push(socket);
  }

  /** Runs the listener filters that need the first bytes. */
  #inspect(socket: net.Socket): void {
    const { inspectors, originalDestination, timeoutMs, continueOnTimeout } = this.config.listenerFilters;
    if (originalDestination) restoreDestination(socket);
    if (inspectors.length === 0) {
      this.#serve(socket, NOTHING_FOUND);
      return;
    }
    const { stats } = this;
    const over = (): void => {
      stats.preActive--;
      this.#inspections.delete(inspection);
    };
    const inspection = new Inspection(socket, inspectors, timeoutMs, {
      known: (found) => {
        over();
        this.#serve(socket, found, true);
      },
      refused: () => {
        over();
        discard(socket, inspection.hasBytes);
      },
      timedOut: () => {
        over();
        stats.preTimeout++;
        if (continueOnTimeout) this.#serve(socket, inspection.found, inspection.hasBytes);
        else discard(socket, inspection.hasBytes);
      },
      gone: (failed) => {
        over();
        if (failed) stats.filterError++;
        else stats.filterRemoteClose++;
        discard(socket, inspection.hasBytes);
      },
    });
    stats.preActive++;
    this.#inspections.add(inspection);
  }

  /** `wasRead`: an inspection has read from the socket. */
  #serve(socket: net.Socket, found: Found, wasRead = false): void {
    const ends = peersOf(socket, found);
    if (!ends) {
      socket.destroy();
      return;
    }
    const { config, stats, workerStats } = this;
    const other = config.useOriginalDestination ? this.#host.listenerAt(ends.local) : undefined;
    if (other && other !== this) {
      other.#takeOver(socket, found, wasRead);
      return;
    }
    const chain = chooseChain(config, ends, found.protocol);
    if (!chain) {
      stats.noChain++;
      logRefused(config, ends);
      discard(socket, socket.readableLength > 0);
      return;
    }
    const peers = chain.place ? { ...ends, place: chain.place } : ends;
    const { terminal } = chain.network;
    if (!terminal) {
      discard(socket, socket.readableLength > 0);
      return;
    }
    const entry = enterConnection(config, stats, workerStats, peers, this.#host.overload && releaseOf(socket));
    if (!chain.tls) {
      this.#open(chain, terminal, { socket, wasRead, peers }, entry);
      return;
    }
    let handshake: Handshake | undefined;
    const over = (): void => {
      if (handshake) this.#handshakes.delete(handshake);
    };
    const read = { hello: found.hello, wasRead };
    handshake = secureSocket(socket, chain.tls, chain.handshakeMs, read, {
      done: (secure, tls) => {
        over();
        this.#open(chain, terminal, { socket, secure, peers: { ...peers, tls } }, entry);
      },
      failed: (why, timedOut) => {
        over();
        if (timedOut) stats.handshakeTimeout++;
        if (entry.info) entry.info.downstreamFailure = why;
        countUnserved(terminal, performance.now() - entry.openedAt);
        entry.leave(NO_BYTES);
      },
    });
    // A handshake may have failed before it is known.
    if (!socket.destroyed) this.#handshakes.add(handshake);
  }

  #open(
    chain: FilterChain,
    terminal: TerminalFilter,
    accepted: Omit<AcceptedSocket, 'source'>,
    { leave, info }: ConnectionEntry,
  ): void {
    const { config } = this;
    const { peers } = accepted;
    if (info) info.peers = peers;
    const mark = config.internal ? undefined : config.listenerFilters.originalSourceMark;
    const source: SourceAddress | undefined = mark === undefined ? undefined : { address: peers.remote.address, mark };
    const connections = this.#connections.get(chain) ?? new Set();
    this.#connections.set(chain, connections);
    const closed = (connection: ServedConnection): void => {
      leave(connection.transport);
      connections.delete(connection);
      if (this.#draining.delete(connection)) this.#releaseStats();
    };
    const opened = openConnection(chain.network.filters, terminal, { ...accepted, source }, closed);
    connections.add(opened.connection);
    opened.start();
  }
}
