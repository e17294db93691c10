import type { Logger } from '../../base/index.ts';
import type { ObjectStore } from '../store.ts';
import type { Clock } from './clock.ts';
import type { Controller, ControllerContext } from './context.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment/index.ts';
import { endpointSliceController } from './endpoint-slices.ts';
import { createEventRecorder } from './events.ts';
import { garbageCollector } from './garbage.ts';
import { randomSuffix } from './hash.ts';
import { identityCollector } from './identities.ts';
import type { ResourceType } from './kinds.ts';
import { leftoversController } from './leftovers.ts';
import { createLoop } from './loop.ts';
import { namespaceController } from './namespaces.ts';
import { replicaSetController } from './replica-set.ts';
import { scheduler } from './scheduler/index.ts';

export interface ControllersOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Every resource that can be listed now, custom ones included; asked again whenever a CustomResourceDefinition changes. */
  resources(): readonly ResourceType[];
  /** PEM for the ConfigMap `kube-root-ca.crt` of each namespace. */
  readonly caCertificate: string;
}

export interface Controllers {
  stop(): Promise<void>;
}

/** Each controller and the component its Events name, in the order in which dirty keys are worked off. */
const controllers: readonly (readonly [component: string, start: Controller])[] = [
  ['namespace-controller', namespaceController],
  ['deployment-controller', deploymentController],
  ['replicaset-controller', replicaSetController],
  ['daemonset-controller', daemonSetController],
  ['default-scheduler', scheduler],
  ['endpoint-slice-controller', endpointSliceController],
  ['garbage-collector-controller', garbageCollector],
  ['pod-garbage-collector', leftoversController],
  ['cilium-operator', identityCollector],
];

/** Starts all controllers and the scheduler over the store; `stop` ends their watches, timers and the loop. */
export function startControllers(options: ControllersOptions): Controllers {
  const { store, clock, log, resources, caCertificate } = options;
  const loop = createLoop(clock, log);
  const shared = { store, clock, log, loop, resources, caCertificate, suffix: randomSuffix };
  const stops = controllers.map(([component, start]) => {
    const context: ControllerContext = { ...shared, events: createEventRecorder(store, clock, log, component) };
    return start(context);
  });
  return {
    async stop() {
      loop.stop();
      for (const stop of stops) stop();
    },
  };
}
