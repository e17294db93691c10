import type { LogOptions } from '../../runtime.ts';
import { requireObject } from '../http/read.ts';
import type { ResourceRequest } from '../http/request.ts';
import { at } from '../schema/shape.ts';
import { badRequest, methodNotAllowed } from '../status.ts';
import { chooseContainer, drained, messageOf, requireStarted } from './containers.ts';

/** `kubectl logs`: plain text, chunked; with `follow` until the container ends or the client leaves. */
export async function handleLog(call: ResourceRequest): Promise<void> {
  const { context, request, response, query } = call;
  if (request.method !== 'GET') throw methodNotAllowed();
  const pod = requireObject(call);
  const container = chooseContainer(pod, query.get('container'));
  const options = logOptions(query, context.store.now());
  if (!options.previous && at(pod, 'status', 'containerStatuses') !== undefined) requireStarted(pod, container);
  const gone = new AbortController();
  const stop = () => gone.abort();
  response.on('close', stop);
  context.closing.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of context.runtime.logs(container, options, gone.signal)) {
      if (gone.signal.aborted) break;
      if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'text/plain' });
      if (!response.write(chunk)) await drained(response);
    }
    if (!response.headersSent) response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end();
  } catch (error) {
    if (gone.signal.aborted) response.destroy();
    else if (response.headersSent) response.end(`\n${messageOf(error)}\n`);
    else throw badRequest(messageOf(error));
  } finally {
    context.closing.removeEventListener('abort', stop);
  }
}

function logOptions(query: URLSearchParams, now: number): LogOptions {
  const flag = (name: string) => query.get(name) === 'true' || query.get(name) === '1';
  const number = (name: string, minimum: number) => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum)
      throw badRequest(`${name}: Invalid value: "${text}": must be greater than or equal to ${minimum}`);
    return value;
  };
  const since = query.get('sinceTime');
  const sinceTime = since === null ? undefined : Date.parse(since);
  if (sinceTime !== undefined && Number.isNaN(sinceTime))
    throw badRequest(`sinceTime: Invalid value: "${since}": must be an RFC 3339 time`);
  const tailLines = number('tailLines', 0);
  const limitBytes = number('limitBytes', 1);
  const sinceSeconds =
    number('sinceSeconds', 1) ??
    (sinceTime === undefined ? undefined : Math.max(1, Math.ceil((now - sinceTime) / 1000)));
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
  };
}
