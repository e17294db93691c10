import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ObjectStore } from '../cluster/index.ts';
import { worldAddresses } from '../cluster/node/index.ts';
import { buildZone } from '../dns/index.ts';
import { compileCache } from '../loading/index.ts';

/** Names of the host that stands outside the cluster, one for each of its addresses; a user may choose the first. */
export function worldNames(externalTarget: string | undefined): readonly string[] {
  return [externalTarget ?? 'one.one.one.one', 'k8s.io'];
}

export interface ZoneFile {
  /** How the cluster DNS image starts: on this zone. */
  program(projectRoot: string): {
    readonly command: readonly string[];
    readonly environment: Record<string, string>;
    readonly directories: readonly string[];
  };
  /** Servers for names that are not the cluster's; without any such names do not exist. */
  setResolvers(addresses: readonly string[]): void;
  stop(): void;
}

/** Keeps the cluster's zone in a file, from the Services and EndpointSlices in the store; the DNS server in its pod reads it again when it changes. */
export function startZoneFile(
  store: ObjectStore,
  { directory, externalTarget }: { readonly directory: string; readonly externalTarget: string | undefined },
): ZoneFile {
  mkdirSync(directory, { recursive: true });
  const file = path.join(directory, 'zone.json');
  const external = Object.fromEntries(
    worldNames(externalTarget).map((name, index) => [name, worldAddresses[index] ?? '']),
  );
  // The store has validated and defaulted what it holds, so its objects are of their kind.
  const objects = <T>(resource: string): readonly T[] => store.list(resource) as readonly unknown[] as readonly T[];
  let resolvers: readonly string[] = [];
  let scheduled = false;
  const write = (): void => {
    scheduled = false;
    const zone = buildZone(objects('services'), objects('endpointslices.discovery.k8s.io'), external);
    writeFileSync(`${file}.new`, JSON.stringify({ ...zone, upstreams: resolvers }));
    renameSync(`${file}.new`, file);
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(write);
  };
  write();
  const stops = ['services', 'endpointslices.discovery.k8s.io'].map((resource) => store.watch(resource, schedule));
  return {
    program: (projectRoot) => ({
      command: [
        process.execPath,
        '--max-semi-space-size=1',
        '--max-old-space-size=32',
        '--v8-pool-size=1',
        path.join(projectRoot, 'src/dns/cluster-dns-main.ts'),
      ],
      environment: { CILIATE_DNS_ZONE: file, NODE_COMPILE_CACHE: compileCache },
      directories: [projectRoot, directory],
    }),
    setResolvers: (addresses) => {
      resolvers = addresses;
      schedule();
    },
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}
