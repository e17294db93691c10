import { readFileSync, watch } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import type { NameRecords, Zone } from './zone-types.ts';

const fileMax = 64 << 20;

/**
 * Reads the zone file and again whenever it changes. A file that is missing, unfinished or wrong leaves the zone before in force;
 * `onFault` gets the sentence. Answers how to stop and how to get the newest zone.
 */
export function watchZone(file: string, onFault: (message: string) => void): { zone(): Zone; close(): void } {
  let current: Zone = { domain: 'cluster.local', ttl: 5, records: {} };
  const read = (): void => {
    try {
      const zone = parseZone(readFileSync(file, 'utf8'));
      if (typeof zone === 'string') onFault(`${file}: ${zone}; the names before stay`);
      else current = zone;
    } catch (error) {
      onFault(`${file}: ${error instanceof Error ? error.message : String(error)}; the names before stay`);
    }
  };
  const watcher = watch(path.dirname(file), (_event, name) => {
    if (name === null || name === path.basename(file)) read();
  });
  watcher.on('error', (error) => onFault(`${file} is no longer watched: ${error.message}`));
  read();
  return { zone: () => current, close: () => watcher.close() };
}

/** The zone, or the sentence what is wrong with the text. */
export function parseZone(text: string): Zone | string {
  if (text.length > fileMax) return `longer than ${fileMax} bytes`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (!isObject(value)) return 'no object';
  const { domain, ttl, records, upstreams } = value;
  if (typeof domain !== 'string' || domain === '') return 'domain is no text';
  if (typeof ttl !== 'number' || !Number.isInteger(ttl) || ttl < 0) return 'ttl is no number of seconds';
  if (!isObject(records)) return 'records is no object';
  if (upstreams !== undefined && !isAddresses(upstreams)) return 'upstreams is no list of IP addresses';
  for (const [name, entry] of Object.entries(records)) {
    if (!name.endsWith('.') || !isRecords(entry)) return `records["${name}"] does not hold records`;
  }
  return { domain, ttl, records: records as Record<string, NameRecords>, ...(upstreams && { upstreams }) };
}

function isAddresses(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && isIP(item) !== 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecords(value: unknown): value is NameRecords {
  if (!isObject(value)) return false;
  const { a = [], ptr = [], srv = [], cname = '', txt = '' } = value;
  const texts = (list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === 'string');
  const targets =
    Array.isArray(srv) &&
    srv.every((item) => isObject(item) && typeof item['target'] === 'string' && Number.isInteger(item['port']));
  return texts(a) && texts(ptr) && targets && typeof cname === 'string' && typeof txt === 'string';
}
