import { counter, statsKind } from '../../stats/kind.ts';

/** What an ext_proc filter counts, under `http.<prefix>.ext_proc.[<stat_prefix>.]`. */
export class ProcessStats {
  streamsStarted = 0;
  messagesSent = 0;
  messagesReceived = 0;
  spurious = 0;
  streamsClosed = 0;
  streamsFailed = 0;
  failureModeAllowed = 0;
  timeouts = 0;
  rejectedMutations = 0;
  timeoutReceived = 0;
  timeoutIgnored = 0;
  routeCacheIgnored = 0;
  routeCacheDisabled = 0;
  immediateResponses = 0;
  halfClosed = 0;
}

export const PROCESS_STATS = statsKind(ProcessStats, {
  streamsStarted: counter('streams_started'),
  messagesSent: counter('stream_msgs_sent'),
  messagesReceived: counter('stream_msgs_received'),
  spurious: counter('spurious_msgs_received'),
  streamsClosed: counter('streams_closed'),
  streamsFailed: counter('streams_failed'),
  failureModeAllowed: counter('failure_mode_allowed'),
  timeouts: counter('message_timeouts'),
  rejectedMutations: counter('rejected_header_mutations'),
  timeoutReceived: counter('override_message_timeout_received'),
  timeoutIgnored: counter('override_message_timeout_ignored'),
  routeCacheIgnored: counter('clear_route_cache_ignored'),
  routeCacheDisabled: counter('clear_route_cache_disabled'),
  immediateResponses: counter('immediate_responses_sent'),
  halfClosed: counter('server_half_closed'),
});
