import type { OverlayMessage } from './overlay-messages.ts';

/** Configurations of overload management that the published files lack: as in the descriptors of the 1.40 binary, and one of ours. */
export const overloadMessages: readonly OverlayMessage[] = [
  {
    parent: 'envoy.config.overload.v3',
    needs: ['google.protobuf.Duration', 'google.protobuf.UInt64Value'],
    definition: `
      message ShrinkHeapConfig {
        google.protobuf.Duration timer_interval = 1 [(validate.rules).duration = {gte: {seconds: 1}}];
        google.protobuf.UInt64Value max_unfreed_memory_bytes = 2;
      }`,
  },
  {
    parent: 'envoy.extensions.resource_monitors.fixed_heap.v3',
    definition: `
      message FixedHeapConfig {
        uint64 max_heap_size_bytes = 1;
      }`,
  },
  {
    parent: 'envoy.extensions.resource_monitors.injected_resource.v3',
    definition: `
      message InjectedResourceConfig {
        string filename = 1 [(validate.rules).string = {min_len: 1}];
      }`,
  },
  {
    parent: 'envoy.extensions.resource_monitors.downstream_connections.v3',
    definition: `
      message DownstreamConnectionsConfig {
        int64 max_active_downstream_connections = 1 [(validate.rules).int64 = {gt: 0}];
      }`,
  },
  {
    parent: 'envoy.extensions.resource_monitors.cpu_utilization.v3',
    definition: `
      message CpuUtilizationConfig {
        enum UtilizationComputeStrategy { HOST = 0; CONTAINER = 1; }
        UtilizationComputeStrategy mode = 1 [(validate.rules).enum = {defined_only: true}];
      }`,
  },
  {
    parent: 'envoy.extensions.resource_monitors.cgroup_memory.v3',
    definition: `
      message CgroupMemoryConfig {
        uint64 max_memory_bytes = 1;
      }`,
  },
  {
    parent: 'ciliate.resource_monitors.event_loop_delay.v1',
    needs: ['google.protobuf.Duration'],
    definition: `
      message EventLoopDelay {
        google.protobuf.Duration max_delay = 1 [(validate.rules).duration = {required: true gt: {}}];
      }`,
  },
];
