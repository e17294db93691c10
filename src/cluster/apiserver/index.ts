export {
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
  type ListenTarget,
  type ServerTls,
} from './http/server.ts';
export { createRegistry, type Registry, type ResourceDefinitionManifest } from './registry/registry.ts';
export type { Status } from './status.ts';
export { installResourceDefinitions, openStore, type Store, type StoreOptions } from './store/open-store.ts';
export { createCertificateAuthority } from './tls/authority.ts';
export { keptCertificate } from './tls/kept-certificate.ts';
export { type KubeconfigOptions, kubeconfig } from './tls/kubeconfig.ts';
export { writeSecret } from './tls/secret-file.ts';
export { type ObjectValidator, validateObject } from './validation/validate-object.ts';
