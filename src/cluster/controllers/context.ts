import type { Logger } from '../../base/index.ts';
import type { ObjectStore } from '../store.ts';
import type { Clock } from './clock.ts';
import type { EventRecorder } from './events.ts';
import type { ResourceType } from './kinds.ts';
import type { ReconcileLoop } from './loop.ts';

/** What every controller gets. */
export interface ControllerContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly loop: ReconcileLoop;
  readonly events: EventRecorder;
  /** Five random characters for generated names. */
  suffix(): string;
  /** Every resource the API server serves at present. */
  resources(): readonly ResourceType[];
  /** PEM of the cluster's certificate authority. */
  readonly caCertificate: string;
}

/** Starts a controller; what comes back ends its watches. */
export type Controller = (context: ControllerContext) => () => void;
