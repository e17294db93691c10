import type { Logger } from '../../base/index.ts';
import type { ImageCatalogue } from '../images/index.ts';
import type { ObjectStore } from '../store.ts';
import type { NodeAddresses } from './addresses.ts';
import type { BaseRoot } from './base-root.ts';
import type { PodPlace } from './downward.ts';
import type { EventRecorder } from './events.ts';
import type { IpAllocator } from './ip-allocator.ts';
import type { PodObject } from './types.ts';
import type { PreparedVolumes } from './volumes.ts';

/** What all pods of one node share. */
export interface NodeContext {
  readonly store: ObjectStore;
  readonly node: NodeAddresses;
  readonly images: ImageCatalogue;
  readonly base: BaseRoot;
  readonly addresses: IpAllocator;
  readonly events: EventRecorder;
  /** Ends with the cluster; containers live here. */
  readonly runDirectory: string;
  /** Outlives the cluster; logs live here. */
  readonly stateDirectory: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  /** The machine's own `/etc/resolv.conf`. */
  readonly hostResolver: string;
  readonly serviceAccountFiles?: (namespace: string, name: string) => Readonly<Record<string, string>> | undefined;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: Logger;
}

/** What a pod's containers share, once the pod has its network and volumes. */
export interface PodContext extends NodeContext {
  /** The newest version of the object. */
  readonly pod: () => PodObject;
  readonly place: PodPlace;
  /** Network namespace of the containers. */
  readonly network: string;
  readonly hostname: string;
  /** Contents of files under `/etc`. */
  readonly etc: Readonly<Record<string, string>>;
  readonly volumes: PreparedVolumes;
  readonly directory: string;
  readonly logDirectory: string;
  /** Aborted when no container may start any more. */
  readonly stopping: AbortSignal;
  /** A container's record has changed. */
  readonly changed: () => void;
}

export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Resolves after the delay or when the signal aborts; says which by `true` for the delay. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (waited: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      resolve(waited);
    };
    const stop = (): void => done(false);
    const timer = setTimeout(() => done(true), milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
