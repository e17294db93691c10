/**
 * The repository of an image reference without tag and digest, with Docker's defaults spelt out:
 * `nginx:1` is `docker.io/library/nginx`, `quay.io/cilium/json-mock:v1@sha256:…` is `quay.io/cilium/json-mock`.
 */
export function repositoryOf(image: string): string {
  const withoutDigest = image.split('@', 1)[0] ?? '';
  const slash = withoutDigest.lastIndexOf('/');
  const colon = withoutDigest.indexOf(':', slash + 1);
  const name = colon < 0 ? withoutDigest : withoutDigest.slice(0, colon);
  const first = name.split('/', 1)[0] ?? '';
  const hasRegistry = name.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  if (hasRegistry) return name.replace(/^index\.docker\.io\//, 'docker.io/');
  return `docker.io/${name.includes('/') ? name : `library/${name}`}`;
}
