import { writeSync } from 'node:fs';
import type { Logger } from '../../base/index.ts';
import { COMPONENTS, LEVELS, type Level, levelOf } from './levels.ts';

/** The loggers of a proxy by component, with a level each. */
export interface Logs {
  /** The logger of one of `COMPONENTS`. */
  get(component: string): Logger;
  setAll(level: Level): void;
  set(component: string, level: Level): void;
  /** Level by component, in the order of `COMPONENTS`. */
  levels(): ReadonlyMap<string, Level>;
}

/** Lines as Envoy writes them: `[2026-01-31 12:00:00.000][pid][info][main] text name=value`. `write` takes a line with its end. */
export function createLogs(level: Level, write: (line: string) => void = toStandardError): Logs {
  const levels = new Map<string, Level>(COMPONENTS.map((name) => [name, level]));
  const loggers = new Map<string, Logger>();
  return {
    get: (component) => {
      const logger = loggers.get(component) ?? createLogger(component, levels, write, {});
      loggers.set(component, logger);
      return logger;
    },
    setAll: (next) => {
      for (const name of COMPONENTS) levels.set(name, next);
    },
    set: (component, next) => void levels.set(component, next),
    levels: () => levels,
  };
}

const ELSEWHERE: Readonly<Record<Level, string>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  error: 'error',
  critical: 'fatal',
  off: 'silent',
};

/** One logger that takes the lines of every component; it talks as much as the most talkative of them. */
export function singleLogger(log: Logger): Logs {
  const start = LEVELS.find((level) => ELSEWHERE[level] === log.level) ?? 'info';
  const levels = new Map<string, Level>(COMPONENTS.map((name) => [name, start]));
  const apply = (): void => {
    const most = LEVELS.find((level) => [...levels.values()].includes(level)) ?? 'off';
    log.level = ELSEWHERE[most];
  };
  return {
    get: () => log,
    setAll: (level) => {
      for (const name of COMPONENTS) levels.set(name, level);
      apply();
    },
    set: (component, level) => {
      levels.set(component, level);
      apply();
    },
    levels: () => levels,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function createLogger(
  component: string,
  levels: Map<string, Level>,
  write: (line: string) => void,
  bound: Fields,
): Logger {
  const at = (level: Level) => (first: object | string, message?: string) => {
    const least = levels.get(component) ?? 'info';
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return;
    const fields = typeof first === 'string' ? bound : { ...bound, ...first };
    const text = typeof first === 'string' ? first : (message ?? '');
    const time = new Date().toISOString().replace('T', ' ').slice(0, 23);
    write(`[${time}][${process.pid}][${level}][${component}] ${text}${pairs(fields)}\n`);
  };
  return {
    get level() {
      return levels.get(component) ?? 'info';
    },
    set level(name) {
      levels.set(component, levelOf(name) ?? 'off');
    },
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warning'),
    error: at('error'),
    fatal: at('critical'),
    child: (more) => createLogger(component, levels, write, { ...bound, ...more }),
  };
}

function pairs(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${shown(value)}`)
    .join('');
}

function shown(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  if (typeof value === 'string') return /^[\w./:@%+-]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? String(value);
}

function toStandardError(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // A reader of the log that is gone or slow must not end the proxy.
  }
}
