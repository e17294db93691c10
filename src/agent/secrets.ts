import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../base/index.ts';
import { type Informer, type KubeClient, startInformer } from '../kube/index.ts';
import type { Secret, SecretReference } from '../plan/index.ts';

/** The Secrets that policies and Envoy configurations name, each watched by itself, so that the agent reads no other. */
export interface SecretSource {
  /** Watches these and no others from now on. Resolves when the new ones are known, or did not come in time. */
  follow(references: readonly SecretReference[]): Promise<void>;
  /** Those that exist. */
  objects(): readonly Secret[];
  stop(): Promise<void>;
}

/** Each is a connection to the API server. What is named beyond counts as missing. */
const most = 200;
const syncMs = 2000;

export function createSecretSource(client: KubeClient, log: Logger, onChange: () => void): SecretSource {
  const informers = new Map<string, Informer<Secret>>();
  let left = 0;

  const start = ({ namespace, name }: SecretReference): Informer<Secret> =>
    startInformer<Secret>({
      client,
      group: '',
      version: 'v1',
      resource: 'secrets',
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onChange: () => onChange(),
      onError: (error) =>
        log.warn({ secret: `${namespace}/${name}`, error: error.message }, 'watch failed; trying again'),
    });

  return {
    follow: async (references) => {
      const wanted = new Map(references.slice(0, most).map((one) => [`${one.namespace}/${one.name}`, one]));
      const beyond = references.length - wanted.size;
      if (beyond > left)
        log.error({ most, beyond }, 'policies and Envoy configurations name more Secrets than are watched');
      left = beyond;
      const gone = [...informers].filter(([key]) => !wanted.has(key));
      for (const [key, informer] of gone) {
        informers.delete(key);
        await informer.stop();
      }
      const fresh = [...wanted]
        .filter(([key]) => !informers.has(key))
        .map(([key, reference]) => ({ key, informer: start(reference) }));
      for (const { key, informer } of fresh) informers.set(key, informer);
      if (fresh.length === 0) return;
      const stopping = new AbortController();
      const late = sleep(syncMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      await Promise.race([Promise.all(fresh.map(({ informer }) => informer.synced)), late]);
      stopping.abort();
    },
    objects: () => [...informers.values()].flatMap((informer) => informer.objects()),
    stop: async () => {
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
  };
}
