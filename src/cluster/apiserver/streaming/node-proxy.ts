import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { requireObject } from '../http/read.ts';
import type { ResourceRequest } from '../http/request.ts';
import { isRecord, stringAt } from '../schema/shape.ts';
import { badRequest, methodNotAllowed, StatusError } from '../status.ts';

const timeoutMs = 30_000;

/** `nodes/[http:]NAME:PORT/proxy/PATH`: reads from an HTTP server on the node, as `kubectl get --raw` and Prometheus do. Only reading, only HTTP. */
export async function handleNodeProxy(call: ResourceRequest): Promise<void> {
  const { request, response, query, subresource = '' } = call;
  const { method = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  const { node, port } = placeOf(call.name ?? '');
  const host = internalAddress(requireObject({ ...call, name: node }));
  if (host === undefined) throw badRequest(`node ${JSON.stringify(node)} has no InternalIP`);
  const path = subresource.split('/').slice(1).map(encodeURIComponent).join('/');
  const search = query.size > 0 ? `?${query}` : '';
  const headers = { accept: request.headers.accept ?? '*/*' };
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const sent = http.request({ host, port, method, path: `/${path}${search}`, headers, timeout: timeoutMs }, resolve);
    sent.once('timeout', () => sent.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
    sent.once('error', ({ message }) =>
      reject(new StatusError(503, 'ServiceUnavailable', `error trying to reach node ${node}:${port}: ${message}`)),
    );
    response.once('close', () => sent.destroy());
    sent.end();
  });
  const type = answer.headers['content-type'];
  response.writeHead(answer.statusCode ?? 502, type === undefined ? {} : { 'Content-Type': type });
  // The client, the node or both are gone: nobody is left to be told.
  await pipeline(answer, response).catch(() => response.destroy());
}

function placeOf(name: string): { readonly node: string; readonly port: number } {
  const [, node = '', port = ''] = /^(?:http:)?([^:]+):(\d{1,5})$/.exec(name) ?? [];
  const number = Number(port);
  if (node === '' || number < 1 || number > 65_535) {
    throw badRequest(
      `nodes/${name}/proxy: a port is needed, as in nodes/NAME:9965/proxy/metrics; https is not supported`,
    );
  }
  return { node, port: number };
}

function internalAddress(node: object): string | undefined {
  const { addresses } = (node as { status?: { addresses?: unknown } }).status ?? {};
  const found = (Array.isArray(addresses) ? addresses : []).find(
    (one) => isRecord(one) && one['type'] === 'InternalIP',
  );
  return found === undefined ? undefined : stringAt(found, 'address');
}
