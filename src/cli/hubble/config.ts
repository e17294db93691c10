import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import type { CommandIo } from '../io.ts';
import { Fault } from './fault.ts';
import { checkKey, type Settings, settingDefaults, settingKeys, settingOf, typedSetting } from './settings.ts';

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
    const isList = Array.isArray(item) && item.every((one) => typeof one === 'string');
    if (!isList && !['string', 'boolean', 'number'].includes(typeof item)) {
      throw new Fault(`config file ${file}: ${key}: expected text, a number, a truth value or a list of texts`);
    }
  }
  return value as Settings;
}

/** For its owner alone: it may hold a password. */
function writeSettings(file: string, settings: Settings): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o750 });
  writeFileSync(file, yamlOf(settings), { mode: 0o600 });
  chmodSync(file, 0o600);
}

/** As Go's yaml.v3 writes it. */
function yamlOf(value: unknown): string {
  const { stringify } = createRequire(import.meta.url)('yaml') as typeof import('yaml');
  return stringify(value, { indent: 4, lineWidth: 0 });
}

interface ConfigRequest {
  readonly action: 'view' | 'get' | 'set' | 'reset';
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly all?: boolean | undefined;
}

/** What the environment sets: `HUBBLE_SERVER` and its like go before the file. */
function environmentSettings(environment: NodeJS.ProcessEnv): Settings {
  const found = settingKeys.flatMap((key) => {
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
  if (key !== undefined) checkKey(key);
  const settings = readSettings(file, required && action !== 'set');
  const current: Settings = { ...settingDefaults, ...settings, ...environmentSettings(io.environment), config: file };
  if (action === 'set') {
    const name = key ?? '';
    writeSettings(file, { ...settings, [name]: settingOf(name, value ?? '') });
  } else if (action === 'reset') {
    const left = key === undefined || all ? [] : Object.entries(settings).filter(([name]) => name !== key);
    writeSettings(file, Object.fromEntries(left));
  } else if (key === undefined) {
    const sorted = Object.entries(current).sort(([a], [b]) => (a < b ? -1 : 1));
    io.stdout.write(yamlOf(Object.fromEntries(sorted)));
  } else {
    io.stdout.write(yamlOf(typedSetting(key, current[key] ?? '')));
  }
  return 0;
}
