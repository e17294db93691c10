import type { LocalReply } from '../filter/filter.ts';
import { FLAG } from './stream-info.ts';

const GRPC_DEADLINE_EXCEEDED = 4;

/** A client that has not sent its request is slow itself. */
const statusOf = (requestDone: boolean): number => (requestDone ? 504 : 408);

/** Nothing went either way for `stream_idle_timeout`. */
export const idleReply = (requestDone: boolean): LocalReply => ({
  status: statusOf(requestDone),
  body: 'stream timeout',
  details: 'stream_idle_timeout',
  flags: FLAG.STREAM_IDLE,
});

/** The request took longer to come than `request_timeout`. */
export const requestReply = (requestDone: boolean): LocalReply => ({
  status: statusOf(requestDone),
  body: 'request timeout',
  details: 'request_overall_timeout',
});

/** All of it took longer than `max_stream_duration`. */
export const durationReply = (requestDone: boolean): LocalReply => ({
  status: statusOf(requestDone),
  body: 'downstream duration timeout',
  details: 'max_duration_timeout',
  grpcStatus: GRPC_DEADLINE_EXCEEDED,
});
