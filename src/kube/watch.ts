import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Longest event taken; the API server's own limit on an object is far below. */
const eventMax = 32 * 1024 * 1024;

/**
 * The events of a watch answer, one JSON text per line, until the server ends it.
 * Throws when the connection breaks, a line is no JSON or grows over 32 MiB.
 */
export async function* watchEvents(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response) {
    rest += decoder.write(chunk);
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      const line = rest.slice(start, end).trim();
      start = end + 1;
      if (line !== '') yield parseEvent(line);
    }
    rest = rest.slice(start);
    if (rest.length > eventMax) throw new Error('a watch event is longer than 32 MiB');
  }
}

function parseEvent(line: string): WatchEvent {
  const event: unknown = JSON.parse(line);
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) {
    throw new Error('a watch event lacks type or object');
  }
  return { type: String(event.type), object: event.object };
}
