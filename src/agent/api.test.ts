import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { LearntRecord } from '../dns/index.ts';
import { dnsLookups, serveAgentApi } from './api.ts';

const nowMs = Date.UTC(2026, 0, 1);
const facts = (...learnt: readonly LearntRecord[]) => ({
  learnt: () => learnt,
  endpointId: (address: string) => (address === '10.0.0.1' ? 7 : 0),
});
const record = (address: string, leftMs: number): LearntRecord => ({
  endpoint: '10.0.0.1',
  name: 'a.example.',
  address,
  leftMs,
});

test('what an endpoint knows of a name until one time is one entry', () => {
  assert.deepEqual(dnsLookups(facts(record('192.0.2.1', 2_000), record('192.0.2.2', 2_000)), nowMs), [
    {
      fqdn: 'a.example.',
      ips: ['192.0.2.1', '192.0.2.2'],
      'expiration-time': '2026-01-01T00:00:02.000Z',
      'endpoint-id': 7,
      source: 'lookup',
    },
  ]);
});

test('what has run out is there for its connection', () => {
  const [lookup] = dnsLookups(facts(record('192.0.2.1', 0)), nowMs) as { source: string }[];
  assert.equal(lookup?.source, 'connection');
});

function ask(socketPath: string, url: string, method = 'GET'): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, path: url, method, timeout: 5_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      response.once('end', () => resolve({ status: response.statusCode, body }));
    });
    request.once('error', reject).end();
  });
}

test('the socket takes the place of an old one, is its user’s alone, and knows one path', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ciliate-api-'));
  const socket = path.join(folder, 'api.sock');
  await writeFile(socket, '');
  const api = await serveAgentApi(socket, facts(record('192.0.2.1', 2_000)));
  try {
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
    const { status, body } = await ask(socket, '/v1/fqdn/cache');
    assert.equal(status, 200);
    assert.equal((JSON.parse(body) as { fqdn: string }[])[0]?.fqdn, 'a.example.');
    assert.equal((await ask(socket, '/v1/fqdn/cache', 'DELETE')).status, 405);
    assert.equal((await ask(socket, '/v1/policy')).status, 404);
  } finally {
    await api.close();
    await rm(folder, { recursive: true });
  }
});

test('nothing learnt is answered with 404, as by Cilium', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'ciliate-api-'));
  const socket = path.join(folder, 'api.sock');
  const api = await serveAgentApi(socket, facts());
  try {
    assert.deepEqual(await ask(socket, '/v1/fqdn/cache'), { status: 404, body: '' });
  } finally {
    await api.close();
    await rm(folder, { recursive: true });
  }
});
