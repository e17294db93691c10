import { existsSync } from 'node:fs';
import path from 'node:path';
import { fail, ok, type Result } from '../../base/index.ts';
import type { ImageCatalogue, ResidentProgram } from '../images/index.ts';
import { containerEnvironment, expandReferences, type ServiceAddress } from './environment.ts';
import { lookupText } from './lookup.ts';
import type { PodContext } from './pod-context.ts';
import type { Container } from './types.ts';

/** Why a container cannot start now: what `state.waiting` shows. */
export interface Obstacle {
  readonly reason: 'ErrImageNeverPull' | 'CreateContainerConfigError';
  readonly message: string;
}

export interface ContainerPlan {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly imageId: string;
  /** Takes the place of the command. */
  readonly resident?: ResidentProgram;
}

/** Resolves image, command and environment of a container. */
export function planContainer(container: Container, context: PodContext): Result<ContainerPlan, Obstacle> {
  const image = context.images.find(container.image ?? '');
  if (!image && !container.command?.length) return fail(unknownImage(container.image ?? '', context.images));
  const environment = containerEnvironment({
    pod: context.pod(),
    container,
    place: context.place,
    image: image?.environment ?? {},
    services: serviceAddresses(context),
    lookup: lookupText(context.store, context.pod().metadata.namespace ?? 'default'),
  });
  if (!environment.ok) return fail({ reason: 'CreateContainerConfigError', message: environment.error });
  const expand = (words: readonly string[]): string[] => words.map((word) => expandReferences(word, environment.value));
  const entrypoint = container.command?.length ? expand(container.command) : (image?.entrypoint ?? []);
  const given = container.args?.length ? expand(container.args) : undefined;
  const command = [...entrypoint, ...(given ?? (container.command?.length ? [] : (image?.arguments ?? [])))];
  const resident = container.command?.length ? undefined : image?.resident;
  if (command.length === 0 && !resident)
    return fail({ reason: 'CreateContainerConfigError', message: 'no command specified' });
  return ok({
    command,
    environment: environment.value,
    workingDirectory: container.workingDir ?? '/',
    imageId: image?.id ?? `host@${container.image ?? ''}`,
    ...(resident && { resident }),
  });
}

/** Whether a command can be found; undefined when it can, or when only the container itself can tell. */
export function missingCommand(
  name: string,
  environment: Readonly<Record<string, string>>,
  tools: readonly string[],
): string | undefined {
  const places = name.includes('/')
    ? [name]
    : (environment['PATH'] ?? '').split(':').map((directory) => path.join(directory, name));
  const onlyInside = (place: string): boolean => !/^\/(usr|bin|sbin|lib)\//.test(place);
  const found = places.some(
    (place) =>
      existsSync(place) ||
      (name.includes('/') && onlyInside(place)) ||
      tools.some((tool) => /^\/(usr\/)?bin\//.test(place) && path.basename(place) === tool),
  );
  if (found) return undefined;
  const where = name.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
  return `exec: "${name}": ${where}`;
}

function unknownImage(image: string, images: ImageCatalogue): Obstacle {
  const known = images.repositories.join(', ');
  return {
    reason: 'ErrImageNeverPull',
    message:
      `Container image "${image}" is not present with pull policy of Never: there is no image registry here. ` +
      `Known images: ${known}. Any other image works with "command:", which runs from the machine's own file system.`,
  };
}

interface StoredService {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly clusterIP?: string; readonly ports?: ServiceAddress['ports'] };
}

function serviceAddresses({ store, pod }: PodContext): ServiceAddress[] {
  const namespace = pod().metadata.namespace ?? 'default';
  const linked = pod().spec.enableServiceLinks === false ? [] : store.list('services', namespace);
  const api = store.get('services', 'default', 'kubernetes');
  const services: readonly unknown[] = api && namespace !== 'default' ? [api, ...linked] : linked;
  return services.flatMap((value) => {
    const { metadata, spec } = value as StoredService;
    const clusterIP = spec?.clusterIP;
    return clusterIP && clusterIP !== 'None' ? [{ name: metadata.name, clusterIP, ports: spec?.ports ?? [] }] : [];
  });
}
