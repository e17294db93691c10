export { createXdsClient, type XdsClient, type XdsClientOptions } from './client.ts';
export type { ProtocolForm, ResourceUpdate } from './client-cache.ts';
export { createXdsServer, type PublishOutcome, type XdsServer, type XdsServerOptions } from './server.ts';
