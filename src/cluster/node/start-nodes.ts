import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Logger } from '../../base/index.ts';
import { openStreamSocketIn } from '../../sys/index.ts';
import type { ImageCatalogue } from '../images/index.ts';
import type { ContainerReference, LogOptions, NodeRuntime } from '../runtime.ts';
import type { ObjectStore } from '../store.ts';
import { type NodeAddresses, podAddressRange } from './addresses.ts';
import { type BaseRoot, prepareBaseRoot } from './base-root.ts';
import { type ContainerRunner, withoutProcess } from './container-runner.ts';
import { createEventRecorder } from './events.ts';
import { startExec } from './exec.ts';
import { openIpAllocator } from './ip-allocator.ts';
import { registerNode } from './node-object.ts';
import type { NodeContext } from './pod-context.ts';
import { isFinished } from './pod-status.ts';
import { PodWorker } from './pod-worker.ts';
import { type PodObject, podKey } from './types.ts';

export interface StartNodesOptions {
  readonly store: ObjectStore;
  /** The nodes as the fabric made them. */
  readonly nodes: readonly NodeAddresses[];
  /** Outlives the cluster: addresses in use and container logs. */
  readonly stateDirectory: string;
  /** On a file system that ends with the cluster's namespaces (a tmpfs): what containers write. */
  readonly runDirectory: string;
  readonly images: ImageCatalogue;
  /** Address that pods resolve names with. */
  readonly clusterDns: string;
  readonly clusterDomain: string;
  /** What `kubectl get nodes` shows as VERSION, such as `v1.33.0`. */
  readonly kubernetesVersion: string;
  /** Files for `/var/run/secrets/kubernetes.io/serviceaccount` of a namespace's service account. */
  readonly serviceAccountFiles?: (namespace: string, name: string) => Readonly<Record<string, string>> | undefined;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Logger;
}

export interface RunningNodes extends NodeRuntime {
  /** Ends all containers at once; objects stay, and pods start again with the next cluster. */
  stop(): Promise<void>;
}

const connectTimeoutMs = 10_000;

/**
 * Registers the nodes and runs the pods that are bound to them, all in this process, which must be inside the cluster's namespaces.
 * Rejects when the run directory or a node's state cannot be made.
 */
export async function startNodes(options: StartNodesOptions): Promise<RunningNodes> {
  const { store, nodes, log } = options;
  rmSync(path.join(options.runDirectory, 'pods'), { recursive: true, force: true });
  mkdirSync(options.runDirectory, { recursive: true });
  const base = prepareBaseRoot({
    directory: path.join(options.runDirectory, 'base'),
    tools: options.images.tools,
    programs: options.images.directories,
    log,
  });
  const hostResolver = readFileSync('/etc/resolv.conf', 'utf8');
  const contexts = new Map(nodes.map((node) => [node.name, nodeContext(node, base, hostResolver, options)]));
  const known = new Set(store.list('pods').map((pod) => pod.metadata.uid ?? ''));
  for (const { addresses } of contexts.values()) addresses.retain(known);
  for (const node of nodes) registerNode(store, node, options.kubernetesVersion, options.clock());

  const pods = createPodTable(contexts);
  const unwatch = [
    store.watch<PodObject>('pods', ({ type, object }) => pods.apply(type, object)),
    store.watch('configmaps', ({ type, object }) => pods.refresh(type, object.metadata.namespace)),
    store.watch('secrets', ({ type, object }) => pods.refresh(type, object.metadata.namespace)),
  ];
  return {
    ...runtimeOf(pods.find),
    async stop() {
      for (const stop of unwatch) stop();
      await pods.stop();
    },
  };
}

function nodeContext(
  node: NodeAddresses,
  base: BaseRoot,
  hostResolver: string,
  options: StartNodesOptions,
): NodeContext {
  return {
    ...options,
    node,
    base,
    hostResolver,
    addresses: openIpAllocator(
      path.join(options.stateDirectory, `addresses-${node.name}.json`),
      podAddressRange(node.index),
    ),
    events: createEventRecorder(options.store, node.name, options.clock),
  };
}

interface PodTable {
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: PodObject): void;
  refresh(type: string, namespace: string | undefined): void;
  find(namespace: string, name: string): PodWorker | undefined;
  stop(): Promise<void>;
}

/** The workers by namespace and name; a successor of the same name waits for the end of its predecessor. */
function createPodTable(contexts: ReadonlyMap<string, NodeContext>): PodTable {
  const workers = new Map<string, PodWorker>();
  const ending = new Map<string, Promise<void>>();

  function end(key: string, worker: PodWorker): void {
    workers.delete(key);
    const ended = worker.remove({ forget: true }).finally(() => {
      contexts.get(worker.pod.spec.nodeName ?? '')?.addresses.release(worker.pod.metadata.uid ?? '');
      if (ending.get(key) === ended) ending.delete(key);
    });
    ending.set(key, ended);
  }

  return {
    apply(type, pod) {
      const key = podKey(pod);
      const worker = workers.get(key);
      const same = worker?.pod.metadata.uid === pod.metadata.uid;
      if (worker && (!same || type === 'DELETED')) end(key, worker);
      if (type === 'DELETED') return;
      if (worker && same) return worker.update(pod);
      const context = contexts.get(pod.spec.nodeName ?? '');
      if (!context || (isFinished(pod) && !pod.metadata.deletionTimestamp)) return;
      workers.set(key, new PodWorker(context, pod, ending.get(key) ?? Promise.resolve()));
    },
    refresh(type, namespace) {
      if (type === 'ADDED') return;
      for (const worker of workers.values()) {
        if ((worker.pod.metadata.namespace ?? 'default') === namespace) worker.refreshVolumes();
      }
    },
    find: (namespace, name) => workers.get(`${namespace}/${name}`),
    async stop() {
      const removed = [...workers.values()].map((worker) => worker.remove({ forget: false }));
      workers.clear();
      await Promise.all([...removed, ...ending.values()]);
    },
  };
}

function runtimeOf(find: PodTable['find']): NodeRuntime {
  const containerOf = ({ namespace, pod, container }: ContainerReference): ContainerRunner => {
    const worker = find(namespace, pod);
    if (!worker) throw new Error(`pod "${pod}" does not run on any node`);
    const { initContainers = [], containers } = worker.pod.spec;
    if (![...initContainers, ...containers].some(({ name }) => name === container)) {
      throw new Error(`container ${container} is not valid for pod ${pod}`);
    }
    const runner = worker.container(container);
    if (!runner) throw new Error(`container "${container}" in pod "${pod}" is waiting to start: ContainerCreating`);
    return runner;
  };
  return {
    async *logs(reference: ContainerReference, options: LogOptions, signal: AbortSignal) {
      const runner = containerOf(reference);
      const log = runner.log(options.previous);
      if (log) return yield* log.read(options, signal);
      if (options.previous) {
        throw new Error(`previous terminated container "${reference.container}" in pod "${reference.pod}" not found`);
      }
      const reason = runner.record.state?.waiting?.reason ?? 'ContainerCreating';
      throw new Error(`container "${reference.container}" in pod "${reference.pod}" is waiting to start: ${reason}`);
    },
    async exec(reference, command, options) {
      const { place, record, spec } = containerOf(reference);
      if (!place && record.state?.running) throw new Error(withoutProcess(spec.name));
      if (!place) throw new Error(`container not found ("${reference.container}")`);
      return startExec({ ...place, command, ...options });
    },
    async connect({ namespace, pod }, port) {
      const network = find(namespace, pod)?.network;
      if (network === undefined) throw new Error(`pod "${pod}" has no network yet`);
      return connectIn(network, port);
    },
  };
}

function connectIn(network: string, port: number): Promise<net.Socket> {
  const socket = new net.Socket({
    fd: openStreamSocketIn(network),
    readable: true,
    writable: true,
    allowHalfOpen: true,
  });
  return new Promise((resolve, reject) => {
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`port ${port} does not answer`)));
    socket.once('error', reject);
    socket.connect({ host: '127.0.0.1', port }, () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}
