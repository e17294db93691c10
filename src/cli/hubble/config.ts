import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { CommandIo } from '../io.ts';
import { Fault } from './fault.ts';

/** Settings by flag name. */
export type Settings = Readonly<Record<string, string | boolean | number>>;

/** `--config`, else the first that exists of `$XDG_CONFIG_HOME/hubble` (`~/.config/hubble`) and `~/.hubble`, else the former. */
export function configPath(explicit: string | undefined, environment: NodeJS.ProcessEnv): string {
  if (explicit !== undefined) return explicit;
  const home = environment['HOME'] ?? os.homedir();
  const base = environment['XDG_CONFIG_HOME'] || path.join(home, '.config');
  const candidates = [path.join(base, 'hubble', 'config.yaml'), path.join(home, '.hubble', 'config.yaml')];
  return candidates.find((file) => existsSync(file)) ?? candidates[0] ?? '';
}

/** The settings of a config file; none when it does not exist and was not asked for. */
export function readSettings(file: string, required: boolean): Settings {
  if (!existsSync(file)) {
    if (required) throw new Fault(`config file ${file} does not exist`);
    return {};
  }
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new Fault(`config file ${file}: ${(error as Error).message.split('\n')[0]}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Fault(`config file ${file}: expected settings as key: value`);
  }
  for (const [key, item] of Object.entries(value)) {
    if (!['string', 'boolean', 'number'].includes(typeof item)) {
      throw new Fault(`config file ${file}: ${key}: expected text, a number or a truth value`);
    }
  }
  return value as Settings;
}

function writeSettings(file: string, settings: Settings): void {
  const { stringify } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, stringify(settings));
}

/** The keys that `config set` accepts, with their defaults. */
export const settingDefaults: Settings = {
  config: '',
  debug: false,
  'request-timeout': '12s',
  server: 'localhost:4245',
  timeout: '5s',
};

interface ConfigRequest {
  readonly action: 'view' | 'get' | 'set' | 'reset';
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly all?: boolean | undefined;
}

/** What the environment sets: `HUBBLE_SERVER` and its like go before the file. */
function environmentSettings(environment: NodeJS.ProcessEnv): Settings {
  const found = Object.keys(settingDefaults).flatMap((key) => {
    const value = key === 'config' ? undefined : environment[variableOf(key)];
    return value ? [[key, value] as const] : [];
  });
  return Object.fromEntries(found);
}

/** The environment variable of a flag or setting. */
export function variableOf(name: string): string {
  return `HUBBLE_${name.replaceAll('-', '_').toUpperCase()}`;
}

/** `hubble config view|get|set|reset`: shows what is in force, changes the config file. */
export function runConfig(request: ConfigRequest, file: string, required: boolean, io: CommandIo): number {
  const { action, key, value, all } = request;
  if (key !== undefined && !Object.hasOwn(settingDefaults, key)) {
    throw new Fault(`unknown key: ${key}; allowed: ${Object.keys(settingDefaults).join(', ')}`);
  }
  const settings = readSettings(file, required && action !== 'set');
  const current: Settings = { ...settingDefaults, config: file, ...settings, ...environmentSettings(io.environment) };
  if (action === 'view') {
    const { stringify } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
    io.stdout.write(stringify(current));
  } else if (action === 'get') io.stdout.write(`${current[key ?? ''] ?? ''}\n`);
  else if (action === 'set') writeSettings(file, { ...settings, [key ?? '']: value ?? '' });
  else if (all) writeSettings(file, {});
  else if (key === undefined) throw new Fault('reset needs a key or --all');
  else writeSettings(file, Object.fromEntries(Object.entries(settings).filter(([name]) => name !== key)));
  return 0;
}
