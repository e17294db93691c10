import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { fail, type Issue, ok, type Result } from '../base/index.ts';
import type { ClusterAccess } from './access.ts';

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Kubelet renews tokens well before they end, so one read a minute is enough. */
const tokenLifeMs = 60_000;

/** The access of a pod's own ServiceAccount, from the files and variables that Kubernetes gives each pod. */
export function inClusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
): Result<ClusterAccess, Issue> {
  const host = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  try {
    const ca = readFileSync(path.join(accountFolder, 'ca.crt'));
    const namespace = readFileSync(path.join(accountFolder, 'namespace'), 'utf8').trim();
    const token = tokenReader(path.join(accountFolder, 'token'));
    return ok({
      server: `https://${net.isIPv6(host) ? `[${host}]` : host}:${port}`,
      namespace,
      context: 'in-cluster',
      credentials: async () => ({ ca, headers: { Authorization: `Bearer ${await token()}` } }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail({ path: '', message: `the pod's ServiceAccount cannot be read: ${reason}` });
  }
}

/** Reads a token file, again when the last reading is a minute old. */
export function tokenReader(file: string): () => Promise<string> {
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - readAt < tokenLifeMs) return token;
    token = (await readFile(file, 'utf8')).trim();
    readAt = performance.now();
    return token;
  };
}
