import { readDataSource } from '../../config/data-source.ts';
import type { Fields } from '../../config/fields.ts';

/** SHA-1 of passwords in base64 by user name, both latin1. */
export type Users = ReadonlyMap<string, string>;

/** Characters of a SHA-1 in base64. */
const HASH_LENGTH = 28;
const SCHEME = '{SHA}';

/** Reads a file of `htpasswd`, whose passwords are hashed with SHA-1. No fault tells more of a line than the user's name. */
export function readUsers(fields: Fields, key: string): Users {
  const users = new Map<string, string>();
  const text = fields.message(key, (source) => readDataSource(source));
  if (!text) fields.problem(key, 'value is required');
  for (const line of (text ?? '').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    if (colon < 0) {
      fields.problem(key, 'basic auth: invalid htpasswd format, username:password is expected');
      continue;
    }
    const name = line.slice(0, colon);
    const fault = faultOf(name, line.slice(colon + 1), users);
    if (fault === undefined) users.set(name, line.slice(colon + 1 + SCHEME.length));
    else fields.problem(key, `basic auth: ${fault}`);
  }
  return users;
}

function faultOf(name: string, hash: string, users: Users): string | undefined {
  if (name === '' || hash === '') return 'empty user name or password';
  if (users.has(name)) return `duplicate user '${name}'`;
  if (!hash.startsWith(SCHEME)) return `unsupported htpasswd format: please use ${SCHEME} for '${name}'`;
  if (hash.length !== SCHEME.length + HASH_LENGTH) return `invalid SHA hash length for '${name}'`;
  return undefined;
}
