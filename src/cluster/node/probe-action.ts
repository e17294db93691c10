import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { openStreamSocketIn } from '../../sys/index.ts';
import type { Container, Probe } from './types.ts';

export interface ProbeResult {
  readonly success: boolean;
  readonly message: string;
}

export interface ProbeTarget {
  readonly podAddress: string;
  /** Network namespace of the node: probes come from the node, not from the pod. */
  readonly network: string;
  readonly container: Container;
  /** Runs a command in the container; resolves with its exit code and the beginning of its output. */
  exec(command: readonly string[], timeoutMs: number): Promise<{ readonly exitCode: number; readonly output: string }>;
}

const bodyBytesMax = 10 * 1024;

/** Asks once. Never rejects: what goes wrong is a failed probe with the reason. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  try {
    if (probe.httpGet) return await getOverHttp(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket) return await connects(probe.tcpSocket, target, timeoutMs);
    if (probe.exec) {
      const { exitCode, output } = await target.exec(probe.exec.command ?? [], timeoutMs);
      return { success: exitCode === 0, message: output.trim() };
    }
    return { success: false, message: 'gRPC probes do not exist here; httpGet, tcpSocket and exec do' };
  } catch (error) {
    return { success: false, message: error instanceof Error ? error.message : String(error) };
  }
}

type HttpGet = NonNullable<Probe['httpGet']>;

function getOverHttp(action: HttpGet, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const port = portNumber(action.port, target.container);
  const host = action.host ?? target.podAddress;
  const secure = action.scheme === 'HTTPS';
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`;
  const url = `${secure ? 'https' : 'http'}://${host}:${port}${path}`;
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.33', Accept: '*/*', Connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value ?? '';
  return new Promise((resolve, reject) => {
    const socket = openSocket(target.network);
    const request = (secure ? https : http).request({
      path,
      host,
      port,
      headers,
      // With an agent, even a fresh one, http would open a connection of its own in this process's namespace.
      ...(secure ? { agent: false, rejectUnauthorized: false, socket } : { createConnection: () => socket }),
    });
    const timer = setTimeout(() => {
      request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'));
    }, timeoutMs);
    request.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const success = status >= 200 && status < 400;
      resolve({ success, message: success ? '' : `HTTP probe failed with statuscode: ${status}` });
      let received = 0;
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > bodyBytesMax) response.destroy();
      });
      response.on('error', () => {});
    });
    request.on('error', (error) => reject(new Error(`Get "${url}": ${dialText(error, host, port)}`)));
    request.on('close', () => {
      clearTimeout(timer);
      socket.destroy();
    });
    socket.connect({ host, port });
    request.end();
  });
}

function connects(
  action: NonNullable<Probe['tcpSocket']>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  const port = portNumber(action.port, target.container);
  const host = action.host ?? target.podAddress;
  return new Promise((resolve) => {
    const socket = openSocket(target.network);
    const timer = setTimeout(() => socket.destroy(new Error('i/o timeout')), timeoutMs);
    const finish = (success: boolean, message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ success, message });
    };
    socket.on('error', (error) => finish(false, dialText(error, host, port)));
    socket.on('connect', () => finish(true, ''));
    socket.connect({ host, port });
  });
}

function openSocket(network: string): net.Socket {
  const socket = new net.Socket({ fd: openStreamSocketIn(network), readable: true, writable: true });
  socket.on('error', () => {});
  return socket;
}

/** A probe may name a port of its container. */
function portNumber(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  const named = (container.ports ?? []).find(({ name }) => name === port);
  if (!named) throw new Error(`couldn't find port "${port}" among the container's ports`);
  return named.containerPort;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
};

function dialText(error: Error, host: string, port: number): string {
  const code = 'code' in error ? String(error.code) : '';
  const reason = reasons[code];
  return reason === undefined ? error.message : `dial tcp ${host}:${port}: connect: ${reason}`;
}
