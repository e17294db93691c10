import { createRequire } from 'node:module';
import type pino from 'pino';

interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

export interface Logger {
  level: string;
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

let root: Logger | undefined;

/** The library is loaded by whoever logs first: the data plane has loggers of its own. */
function openRoot(): Logger {
  const create = createRequire(import.meta.url)('pino') as typeof pino;
  return create(
    { level: process.env['CILIATE_LOG_LEVEL'] ?? 'info', base: null, timestamp: create.stdTimeFunctions.isoTime },
    create.destination({ fd: 2, sync: true }),
  );
}

/** A structured logger on standard error; `subsys` names the room that speaks, as in Cilium's own logs. */
export function createLogger(subsys: string): Logger {
  root ??= openRoot();
  return root.child({ subsys });
}
