import pino from 'pino';

export type Logger = pino.Logger;

const root = pino(
  { level: process.env['CILIATE_LOG_LEVEL'] ?? 'info', base: null, timestamp: pino.stdTimeFunctions.isoTime },
  pino.destination({ fd: 2, sync: true }),
);

/** A structured logger on standard error; `subsys` names the room that speaks, as in Cilium's own logs. */
export function createLogger(subsys: string): Logger {
  return root.child({ subsys });
}
