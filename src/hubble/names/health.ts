/** What the Observer is called in gRPC health checks (`ObserverServiceName` of `pkg/hubble/api/v1`); it is not the name of the service. */
export const observerHealthName = 'hubble.server.Observer';
