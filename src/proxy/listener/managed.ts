import type { JsonObject } from '../config/fields.ts';
import type { OpenSocket } from '../worker/change.ts';
import type { Compiled, Needs } from './compile.ts';
import type { Listener } from './listener.ts';
import type { Warming } from './warming.ts';

/** A listener with what it was configured by. */
export interface Entry {
  readonly listener: Listener;
  json: JsonObject;
  needs: Needs;
  warming: Warming;
  /** A newer configuration that waits for what it needs, while the one before serves. */
  next: Pending | undefined;
  /** The one before drains until then; monotonic milliseconds. */
  drainsUntil: number;
  readonly fixed: boolean;
}

export interface Pending {
  readonly compiled: Compiled;
  readonly json: JsonObject;
  readonly sockets: readonly OpenSocket[] | undefined;
  readonly warming: Warming;
}
