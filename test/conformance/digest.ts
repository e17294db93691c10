import { createHash } from 'node:crypto';
import type { Outcome } from './types.ts';

export const shortHash = (text: string): string =>
  createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 12);

/** An outcome without words of its input: status lines, codes, flags and details of the log, and hashes of the rest. */
export function digest({ responses = [], fate = '', backends = [], log = [] }: Outcome): Outcome {
  return {
    fate,
    responses: responses.map(({ status, headers, body }) => {
      const own = status.startsWith('HTTP/1.1 ');
      return { status: own ? status : '', headers: [], body: shortHash(JSON.stringify([status, headers, body])) };
    }),
    backends: backends.map(({ backend, connection, line, headers, body }) => {
      const hash = shortHash(JSON.stringify([line, headers, body]));
      return { backend, connection, line: hash, headers: [], body: '' };
    }),
    log: log.map((line) => `${/ (\d+ \S+ \S+) \d+ \d+ /.exec(line)?.[1] ?? ''} ${shortHash(line)}`),
  };
}
