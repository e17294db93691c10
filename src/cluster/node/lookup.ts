import type { KubernetesObject, ObjectStore } from '../store.ts';
import type { TextLookup } from './environment.ts';
import type { FileLookup } from './volumes.ts';

interface Keyed extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

/** ConfigMaps and Secrets of a namespace as files. */
export function lookupFiles(store: ObjectStore, namespace: string): FileLookup {
  return (kind, name) => {
    const object = store.get<Keyed>(kind === 'configmap' ? 'configmaps' : 'secrets', namespace, name);
    if (!object) return undefined;
    const files: Record<string, Buffer> = {};
    for (const [key, value] of Object.entries(object.binaryData ?? {})) files[key] = Buffer.from(value, 'base64');
    for (const [key, value] of Object.entries(object.data ?? {})) {
      files[key] = Buffer.from(value, kind === 'secret' ? 'base64' : 'utf8');
    }
    return files;
  };
}

/** ConfigMaps and Secrets of a namespace as text. */
export function lookupText(store: ObjectStore, namespace: string): TextLookup {
  const files = lookupFiles(store, namespace);
  return (kind, name) => {
    const found = files(kind, name);
    return found && Object.fromEntries(Object.entries(found).map(([key, bytes]) => [key, bytes.toString('utf8')]));
  };
}
