import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { repositoryOf } from './reference.ts';

/** A program that runs in this process and has none of its own: only its socket has to live in the pod. */
export interface ResidentProgram {
  /** Resolves when it serves; rejects when it cannot. */
  start(pod: {
    /** A bound socket in the pod's network, at all its IPv4 addresses, for `server.listen({ fd })`. Throws when the port is taken. */
    readonly bind: (port: number) => number;
    /** Writes a line to the container's log. */
    readonly tell: (line: string) => void;
  }): Promise<{ stop(): Promise<void> }>;
}

/** How an image starts, as its registry would describe it. A container's `command` replaces `entrypoint` and `arguments`, its `args` replace `arguments`. */
export interface CatalogueImage {
  readonly repository: string;
  readonly entrypoint: readonly string[];
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly id: string;
  /** Runs instead of the entry point, as long as a container gives no `command`. */
  readonly resident?: ResidentProgram;
}

export interface ImageCatalogue {
  /** Undefined for an unknown image. Tag and digest do not matter. */
  find(image: string): CatalogueImage | undefined;
  /** Known repositories, sorted. */
  readonly repositories: readonly string[];
  /** Program files by name that every pod finds in `/usr/bin`, where the host has none of that name. */
  readonly tools: Readonly<Record<string, string>>;
  /** Host directories that the programs are read from. */
  readonly directories: readonly string[];
}

export interface ImageCatalogueOptions {
  /** How CoreDNS images start: a program of another room. Without it they are unknown. */
  readonly clusterDns?: {
    readonly command: readonly string[];
    readonly environment?: Readonly<Record<string, string>>;
    /** Host directories it is read from. */
    readonly directories?: readonly string[];
  };
  /** What images of Hubble Relay run. Without it they are unknown. */
  readonly hubbleRelay?: ResidentProgram;
}

const programs = path.join(import.meta.dirname, 'programs');

/** A heap that fits these programs: measured about 10 MB less than Node's own choice. */
const smallHeap = ['--max-semi-space-size=1', '--max-old-space-size=32', '--v8-pool-size=1'];

const program = (name: string): string[] => [process.execPath, ...smallHeap, path.join(programs, name)];

export function imageCatalogue({ clusterDns, hubbleRelay }: ImageCatalogueOptions = {}): ImageCatalogue {
  const images = new Map<string, CatalogueImage>();
  const add = (repositories: readonly string[], start: Partial<CatalogueImage>): void => {
    for (const repository of repositories) images.set(repository, imageOf(repository, start));
  };
  add(['quay.io/cilium/json-mock', 'ciliate.dev/echo'], { entrypoint: program('echo.cjs') });
  add(['quay.io/cilium/alpine-curl', 'ciliate.dev/client'], { arguments: ['/usr/bin/pause'] });
  add(['docker.io/curlimages/curl', 'quay.io/curl/curl'], { entrypoint: ['curl'] });
  add(['registry.k8s.io/pause', 'docker.io/library/pause'], { entrypoint: ['/usr/bin/pause'] });
  add(['docker.io/library/busybox', 'docker.io/library/alpine'], { arguments: ['sh'] });
  if (clusterDns) {
    add(['registry.k8s.io/coredns/coredns', 'registry.k8s.io/coredns', 'docker.io/coredns/coredns'], {
      entrypoint: clusterDns.command,
      environment: clusterDns.environment ?? {},
    });
  }
  if (hubbleRelay) add(['quay.io/cilium/hubble-relay', 'docker.io/cilium/hubble-relay'], { resident: hubbleRelay });
  return {
    find: (image) => images.get(repositoryOf(image)),
    repositories: [...images.keys()].sort(),
    tools: toolScripts(),
    directories: [programs, ...nativeCalls(), path.dirname(process.execPath), ...(clusterDns?.directories ?? [])],
  };
}

/** The packages by which `ping` calls the C library. */
function nativeCalls(): string[] {
  const library = path.dirname(createRequire(import.meta.url).resolve('koffi'));
  return [library, path.join(library, '../@koromix')];
}

function imageOf(repository: string, start: Partial<CatalogueImage>): CatalogueImage {
  const digest = createHash('sha256').update(repository).digest('hex');
  return {
    repository,
    entrypoint: start.entrypoint ?? [],
    arguments: start.arguments ?? [],
    environment: start.environment ?? {},
    id: `${repository}@sha256:${digest}`,
    ...(start.resident && { resident: start.resident }),
  };
}

function toolScripts(): Record<string, string> {
  const run = (name: string): string => `#!/bin/sh\nexec ${program(name).map(shellWord).join(' ')} "$@"\n`;
  return {
    ash: '#!/bin/sh\nexec /bin/sh "$@"\n',
    pause: '#!/bin/sh\nexec sleep infinity\n',
    nslookup: run('nslookup.cjs'),
    nc: run('nc.cjs'),
    ping: run('ping.cjs'),
  };
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
