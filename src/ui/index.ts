export { createUi, serveUi, type UiServing } from './serve.ts';
export { type FlowSource, type OpenFlows, type ReadFilters, recordedSource, relaySource } from './source.ts';
