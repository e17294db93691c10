import type { RequestOptions } from 'node:https';
import path from 'node:path';
import type { Credentials } from './access.ts';

/**
 * Credentials by way of the official client's `KubeConfig`, which runs credential plugins and knows proxies.
 * It is loaded at the first request only: it costs half a second and 87 MB.
 */
export function pluginCredentials(files: readonly string[], context: string): () => Promise<Credentials> {
  let loading: Promise<(options: RequestOptions) => Promise<void>> | undefined;
  return async () => {
    loading ??= loadOfficial(files, context);
    const apply = await loading;
    const options: RequestOptions = {};
    await apply(options);
    return credentialsFrom(options);
  };
}

async function loadOfficial(
  files: readonly string[],
  context: string,
): Promise<(options: RequestOptions) => Promise<void>> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const [first = '', ...others] = files;
  config.loadFromFile(path.resolve(first));
  for (const file of others) {
    const next = new KubeConfig();
    next.loadFromFile(path.resolve(file));
    config.mergeConfig(next, true);
  }
  config.setCurrentContext(context);
  return (options) => config.applyToHTTPSOptions(options);
}

function credentialsFrom(options: RequestOptions): Credentials {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
  if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const { agent, ca, cert, key, rejectUnauthorized, servername } = options;
  return {
    headers,
    ...(isPem(ca) ? { ca } : {}),
    ...(isPem(cert) ? { cert } : {}),
    ...(isPem(key) ? { key } : {}),
    ...(servername === undefined ? {} : { servername }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(typeof agent === 'object' ? { agent } : {}),
  };
}

function isPem(value: unknown): value is string | Buffer {
  return typeof value === 'string' || Buffer.isBuffer(value);
}
