import {
  existsSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { PlacedMount } from './container-root.ts';
import { fieldValue, type PodPlace } from './downward.ts';
import type { Container, PodObject, Volume } from './types.ts';

/** Looks up the files of a ConfigMap or Secret; undefined when there is no such object. */
export type FileLookup = (kind: 'configmap' | 'secret', name: string) => Readonly<Record<string, Buffer>> | undefined;

export interface VolumeOptions {
  readonly pod: PodObject;
  readonly place: PodPlace;
  /** A directory for the pod's volumes alone. */
  readonly directory: string;
  readonly files: FileLookup;
  /** The files of the pod's service account (`token`, `ca.crt`, `namespace`), when the cluster has them. */
  readonly serviceAccountFiles: Readonly<Record<string, Buffer>> | undefined;
}

export interface PreparedVolumes {
  /** Host directory by volume name. */
  readonly sources: ReadonlyMap<string, string>;
  /** Writes ConfigMaps, Secrets and fields again where they have changed. */
  refresh(): void;
}

const accountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';
const accountVolume = '\0service-account';

/** Makes the directories of a pod's volumes. Throws an Error with the text for the FailedMount event. */
export function prepareVolumes(options: VolumeOptions): PreparedVolumes {
  const volumes = options.pod.spec.volumes ?? [];
  const sources = new Map<string, string>();
  for (const volume of volumes) {
    try {
      sources.set(volume.name, prepare(volume, options));
    } catch (error) {
      throw new Error(
        `MountVolume.SetUp failed for volume "${volume.name}" : ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  if (options.serviceAccountFiles && options.pod.spec.automountServiceAccountToken !== false) {
    const directory = path.join(options.directory, 'service-account');
    publish(directory, options.serviceAccountFiles);
    sources.set(accountVolume, directory);
  }
  const refresh = (): void => {
    for (const volume of volumes) if (isPublished(volume)) prepare(volume, options);
  };
  return { sources, refresh };
}

/** The mounts of one container. Throws an Error that names the mount that cannot be. */
export function containerMounts(container: Container, { sources }: PreparedVolumes): PlacedMount[] {
  const mounts = (container.volumeMounts ?? []).map((mount): PlacedMount => {
    const volume = sources.get(mount.name);
    if (volume === undefined) throw new Error(`volumeMount ${mount.mountPath}: there is no volume "${mount.name}"`);
    const source = mount.subPath ? subPath(volume, mount.subPath) : volume;
    return {
      source,
      target: mount.mountPath,
      readOnly: mount.readOnly ?? false,
      file: !statSync(source).isDirectory(),
    };
  });
  const account = sources.get(accountVolume);
  if (account === undefined || mounts.some(({ target }) => target === accountDirectory)) return mounts;
  return [...mounts, { source: account, target: accountDirectory, readOnly: true, file: false }];
}

function subPath(volume: string, inside: string): string {
  const root = realpathSync(volume);
  let real = root;
  // Step by step: a link that a container has put into the volume must not lead out of it, nor may anything be made behind one.
  for (const part of inside.split('/').filter((step) => step !== '' && step !== '.')) {
    const next = path.join(real, part);
    if (!existsSync(next)) mkdirSync(next);
    real = realpathSync(next);
    if (real !== root && !real.startsWith(`${root}/`)) throw new Error(`subPath ${inside} leads out of its volume`);
  }
  return real;
}

function isPublished(volume: Volume): boolean {
  return Boolean(volume.configMap ?? volume.secret ?? volume.projected ?? volume.downwardAPI);
}

function prepare(volume: Volume, options: VolumeOptions): string {
  const directory = path.join(options.directory, volume.name);
  if (volume.emptyDir) {
    mkdirSync(directory, { recursive: true, mode: 0o777 });
    return directory;
  }
  if (volume.hostPath) return hostDirectory(volume.hostPath.path, volume.hostPath.type ?? '');
  if (!isPublished(volume)) {
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
    throw new Error(
      `volumes of type ${kind} do not exist here; emptyDir, configMap, secret, projected, downwardAPI and hostPath do`,
    );
  }
  publish(directory, volumeFiles(volume, options));
  return directory;
}

function hostDirectory(directory: string, type: string): string {
  if (type === 'DirectoryOrCreate') mkdirSync(directory, { recursive: true });
  if (!existsSync(directory)) throw new Error(`hostPath ${directory} does not exist`);
  return directory;
}

interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

function volumeFiles(volume: Volume, options: VolumeOptions): Record<string, Buffer> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return chosen('configmap', configMap.name, configMap.items, configMap.optional, options);
  if (secret) return chosen('secret', secret.secretName, secret.items, secret.optional, options);
  if (downwardAPI) return fields(downwardAPI.items, options);
  const files: Record<string, Buffer> = {};
  for (const source of projected?.sources ?? []) {
    if (source.configMap) {
      Object.assign(
        files,
        chosen('configmap', source.configMap.name, source.configMap.items, source.configMap.optional, options),
      );
    }
    if (source.secret)
      Object.assign(files, chosen('secret', source.secret.name, source.secret.items, source.secret.optional, options));
    if (source.downwardAPI) Object.assign(files, fields(source.downwardAPI.items, options));
    if (source.serviceAccountToken) {
      const token = options.serviceAccountFiles?.['token'];
      if (!token) throw new Error('this cluster gives no service account tokens');
      files[source.serviceAccountToken.path] = token;
    }
  }
  return files;
}

function chosen(
  kind: 'configmap' | 'secret',
  name: string | undefined,
  items: readonly KeyToPath[] | undefined,
  optional: boolean | undefined,
  options: VolumeOptions,
): Record<string, Buffer> {
  const found = options.files(kind, name ?? '');
  if (!found) {
    if (optional) return {};
    throw new Error(`${kind} "${name}" not found`);
  }
  if (!items) return { ...found };
  const files: Record<string, Buffer> = {};
  for (const { key, path: target } of items) {
    const content = Object.hasOwn(found, key) ? found[key] : undefined;
    if (content) files[target] = content;
    else if (!optional) throw new Error(`references non-existent config key: ${key}`);
  }
  return files;
}

function fields(
  items: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[] | undefined,
  { pod, place }: VolumeOptions,
): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const { path: target, fieldRef } of items ?? []) {
    const value = fieldRef && fieldValue(pod, place, fieldRef.fieldPath);
    if (value === undefined) throw new Error(`unknown field ${fieldRef?.fieldPath ?? '(none)'}`);
    files[target] = Buffer.from(value);
  }
  return files;
}

/** Swaps the whole content at once, as the kubelet does: names link into `..data`, which links to a directory of this version. */
function publish(directory: string, files: Readonly<Record<string, Buffer>>): void {
  mkdirSync(directory, { recursive: true });
  const data = path.join(directory, '..data');
  const previous = existsSync(data) ? readlinkSync(data) : undefined;
  const version = `..${Number(previous?.slice(2) ?? 0) + 1}`;
  for (const [name, content] of Object.entries(files)) {
    const inside = path.posix.normalize(name);
    if (inside.startsWith('..') || path.posix.isAbsolute(inside))
      throw new Error(`path ${name} leads out of its volume`);
    const file = path.join(directory, version, inside);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: 0o644 });
  }
  mkdirSync(path.join(directory, version), { recursive: true });
  symlinkSync(version, `${data}.new`);
  renameSync(`${data}.new`, data);
  for (const top of new Set(Object.keys(files).map((name) => path.posix.normalize(name).split('/')[0] ?? ''))) {
    if (!existsSync(path.join(directory, top))) symlinkSync(path.join('..data', top), path.join(directory, top));
  }
  if (previous !== undefined) rmSync(path.join(directory, previous), { recursive: true, force: true });
}
