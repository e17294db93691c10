import type { HttpStream } from './stream.ts';
import { FLAG } from './stream-info.ts';

const GRPC_DEADLINE_EXCEEDED = 4;

/** A client that has not sent its request is slow itself. */
const statusOf = ({ requestDone }: HttpStream): number => (requestDone ? 504 : 408);

/** Nothing went either way for `stream_idle_timeout`. */
export function endIdle(stream: HttpStream): void {
  stream.manager.stats.idleTimeout++;
  stream.reply({
    status: statusOf(stream),
    body: 'stream timeout',
    details: 'stream_idle_timeout',
    flags: FLAG.STREAM_IDLE,
  });
}

/** The request took longer to come than `request_timeout`. */
export function endSlowRequest(stream: HttpStream): void {
  stream.manager.stats.rqTimeout++;
  stream.reply({ status: statusOf(stream), body: 'request timeout', details: 'request_overall_timeout' });
}

/** All of it took longer than `max_stream_duration`. */
export function endLasting(stream: HttpStream): void {
  stream.manager.stats.rqMaxDuration++;
  stream.reply({
    status: statusOf(stream),
    body: 'downstream duration timeout',
    details: 'max_duration_timeout',
    grpcStatus: GRPC_DEADLINE_EXCEEDED,
  });
}
