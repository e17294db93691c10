import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLogger, issueCertificate } from '../../../base/index.ts';
import {
  type ApiServer,
  createApiServer,
  createCertificateAuthority,
  keptCertificate,
  kubeconfig,
  openStore,
  type Store,
} from '../index.ts';
import type { ObjectValidator } from '../validation/validate-object.ts';
import { fakeRuntime } from './fake-runtime.ts';

export interface TestServer {
  readonly store: Store;
  readonly server: ApiServer;
  readonly port: number;
  readonly kubeconfig: string;
  readonly authority: { readonly certificate: string };
  readonly client: { readonly certificate: string; readonly privateKey: string };
  close(): Promise<void>;
}

/** A whole API server on a free port of the loopback, with a kubeconfig file in the directory and the usual namespaces. */
export async function startTestServer(directory: string, validators?: ObjectValidator): Promise<TestServer> {
  mkdirSync(directory, { recursive: true });
  const authority = await createCertificateAuthority(directory);
  const certificate = await keptCertificate(authority, directory, 'apiserver', {
    commonName: 'kube-apiserver',
    usage: 'server',
    dnsNames: ['localhost', 'kubernetes.default.svc'],
    ipAddresses: ['127.0.0.1'],
  });
  const client = await issueCertificate(authority, {
    commonName: 'admin',
    organizations: ['system:masters'],
    usage: 'client',
  });
  const store = openStore({ directory, ...(validators ? { validators } : {}) });
  const server = createApiServer({
    store,
    runtime: fakeRuntime(),
    tls: { ...certificate, clientAuthority: authority.certificate },
    log: createLogger('apiserver'),
  });
  const { port } = await server.listenOn({ host: '127.0.0.1', port: 0 });
  for (const name of ['default', 'kube-system']) {
    if (!store.get('namespaces', undefined, name))
      store.create('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  const file = path.join(directory, 'kubeconfig');
  writeFileSync(file, kubeconfig({ name: 'test', server: `https://127.0.0.1:${port}`, authority, client }), {
    mode: 0o600,
  });
  return {
    store,
    server,
    port,
    kubeconfig: file,
    authority,
    client,
    async close() {
      await server.close();
      store.close();
    },
  };
}
