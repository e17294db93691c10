import type { Readable } from 'node:stream';
import { longestTimerMs, type Result } from '../base/index.ts';
import type { ApiError } from './api-error.ts';
import type { CallOptions, KubeClient } from './client.ts';
import { urlPath } from './paths.ts';

export interface LogsOptions extends CallOptions {
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string | undefined;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
}

/** A container's output as a stream of bytes; with `follow` it ends when the container does, or with the signal. */
export function streamLogs(client: KubeClient, options: LogsOptions): Promise<Result<Readable, ApiError>> {
  const { namespace, pod, signal, timeoutMs, ...query } = options;
  const path = urlPath({ group: '', version: 'v1', resource: 'pods', namespace, name: pod, subresource: 'log' });
  // Real servers send the headers of a followed log with its first line, which may take any time.
  const limit = timeoutMs ?? (options.follow ? longestTimerMs : undefined);
  return client.transport.open({ method: 'GET', path, query, accept: '*/*', signal, timeoutMs: limit });
}
