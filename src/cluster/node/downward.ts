import type { PodObject } from './types.ts';

/** What a pod can learn about itself that is not in its object yet. */
export interface PodPlace {
  readonly nodeName: string;
  readonly hostAddress: string;
  readonly podAddress: string;
}

/** The value of a downward API field path; undefined for a path that Kubernetes does not have. Missing labels and annotations are empty. */
export function fieldValue(pod: PodObject, place: PodPlace, fieldPath: string): string | undefined {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed) return metadata[keyed[1] === 'labels' ? 'labels' : 'annotations']?.[keyed[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? 'default';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return keyValues(metadata.labels);
    case 'metadata.annotations':
      return keyValues(metadata.annotations);
    case 'spec.nodeName':
      return place.nodeName;
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default';
    case 'status.podIP':
    case 'status.podIPs':
      return place.podAddress;
    case 'status.hostIP':
    case 'status.hostIPs':
      return place.hostAddress;
    default:
      return undefined;
  }
}

function keyValues(values: Readonly<Record<string, string>> = {}): string {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
