import type { KubernetesObject } from '../store.ts';
import { timestamp } from './clock.ts';
import type { Controller, ControllerContext } from './context.ts';
import { tolerating } from './status-error.ts';

const identities = 'ciliumidentities.cilium.io';
const endpoints = 'ciliumendpoints.cilium.io';

/** Set on an identity that the next round takes away unless somebody uses it by then (`pkg/k8s/identitybackend`). */
const heartbeat = 'io.cilium.heartbeat';

/** Cilium's `identity-gc-interval` and `identity-heartbeat-timeout`. */
const defaults = { intervalMs: 15 * 60_000, timeoutMs: 30 * 60_000 };

interface CiliumEndpoint extends KubernetesObject {
  readonly status?: { readonly identity?: { readonly id?: number } };
}

interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface Life {
  readonly version: string | undefined;
  readonly aliveAt: number;
}

/**
 * Takes away CiliumIdentities that no CiliumEndpoint has used for the heartbeat timeout, as the operator of Cilium does: one round
 * marks them, a later one deletes what is still unused. An identity that is new or was changed counts as used at that time.
 */
export const identityCollector: Controller = (context) => {
  const { store, loop, log } = context;
  const lives = new Map<string, Life>();
  const schedule = (): void => queue.markAfter('round', settings(context).intervalMs || defaults.intervalMs);
  const queue = loop.queue('identities', () => {
    const { intervalMs, timeoutMs } = settings(context);
    if (intervalMs > 0 && isServed(context)) collect(context, lives, timeoutMs);
    schedule();
  });
  schedule();
  return store.watch<ConfigMap>('configmaps', ({ object: { metadata, data } }) => {
    if (metadata.namespace !== 'kube-system' || metadata.name !== 'cilium-config') return;
    for (const key of ['identity-gc-interval', 'identity-heartbeat-timeout']) {
      const value = data?.[key];
      if (value !== undefined && durationMs(value) === undefined)
        log.warn(
          { key, value, allowed: 'a duration such as 15m0s' },
          'cilium-config holds a value that is not understood',
        );
    }
    schedule();
  });
};

function isServed({ resources }: ControllerContext): boolean {
  const served = new Set(resources().map(({ resource }) => resource));
  return served.has(identities) && served.has(endpoints);
}

function settings({ store }: ControllerContext): { readonly intervalMs: number; readonly timeoutMs: number } {
  const data = store.get<ConfigMap>('configmaps', 'kube-system', 'cilium-config')?.data;
  return {
    intervalMs: durationMs(data?.['identity-gc-interval']) ?? defaults.intervalMs,
    timeoutMs: durationMs(data?.['identity-heartbeat-timeout']) ?? defaults.timeoutMs,
  };
}

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration as Go writes it (`15m0s`), in milliseconds; undefined for other text. */
function durationMs(text: string | undefined): number | undefined {
  if (text === '0') return 0;
  if (text === undefined || !/^(?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|s))+$/.test(text)) return undefined;
  return [...text.matchAll(/([\d.]+)(h|ms|m|s)/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (unitsMs[unit] ?? 0),
    0,
  );
}

function collect(context: ControllerContext, lives: Map<string, Life>, timeoutMs: number): void {
  const { store, clock, log } = context;
  const used = new Set(
    store
      .list<CiliumEndpoint>(endpoints)
      .flatMap(({ status }) => (status?.identity?.id ? [String(status.identity.id)] : [])),
  );
  const present = store.list(identities);
  const names = new Set(present.map(({ metadata }) => metadata.name));
  for (const name of lives.keys()) if (!names.has(name)) lives.delete(name);
  for (const identity of present) {
    const { name, resourceVersion: version } = identity.metadata;
    const isMarked = identity.metadata.annotations?.[heartbeat] !== undefined;
    const life = lives.get(name);
    if (!life || used.has(name) || life.version !== version) {
      const written = used.has(name) && isMarked ? annotate(context, identity, undefined) : identity;
      lives.set(name, { version: written?.metadata.resourceVersion, aliveAt: clock.now() });
      continue;
    }
    if (clock.now() - life.aliveAt < timeoutMs) continue;
    if (!isMarked) {
      const marked = annotate(context, identity, timestamp(clock));
      if (marked) lives.set(name, { version: marked.metadata.resourceVersion, aliveAt: life.aliveAt });
      continue;
    }
    log.debug({ identity: name }, 'removing an identity that nobody uses');
    const { uid } = identity.metadata;
    tolerating(['NotFound', 'Conflict'], () =>
      store.delete(identities, undefined, name, uid === undefined ? {} : { uid }),
    );
  }
}

/** Sets the mark or takes it away; undefined when the identity was changed or deleted meanwhile. */
function annotate(
  { store }: ControllerContext,
  identity: KubernetesObject,
  value: string | undefined,
): KubernetesObject | undefined {
  const { [heartbeat]: _, ...others } = identity.metadata.annotations ?? {};
  const annotations = value === undefined ? others : { ...others, [heartbeat]: value };
  let written: KubernetesObject | undefined;
  tolerating(['NotFound', 'Conflict'], () => {
    written = store.update(identities, { ...identity, metadata: { ...identity.metadata, annotations } });
  });
  return written;
}
