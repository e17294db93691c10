import type { ServerResponse } from 'node:http';
import type { Status } from '../status.ts';

export function sendJson(response: ServerResponse, code: number, body: unknown, type = 'application/json'): void {
  sendText(response, code, JSON.stringify(body), type);
}

export function sendText(response: ServerResponse, code: number, body: string | Buffer, type = 'text/plain'): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(code, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': response.getHeader('Cache-Control') ?? 'no-cache, private',
  });
  response.end(body);
}

export function sendStatus(response: ServerResponse, status: Status): void {
  sendJson(response, status.code, status);
}

/** Adds a warning that kubectl prints to the user. */
export function warn(response: ServerResponse, text: string): void {
  const quoted = text
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .slice(0, 1000);
  const present = response.getHeader('Warning');
  const warnings = Array.isArray(present) ? present : [];
  if (warnings.length < 20) response.setHeader('Warning', [...warnings, `299 - "${quoted}"`]);
}
