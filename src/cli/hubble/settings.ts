import { parseDuration } from '../../base/index.ts';
import { Fault } from './fault.ts';

/** A setting as a config file holds it. */
export type Setting = string | boolean | number | readonly string[];

/** Settings by flag name. */
export type Settings = Readonly<Record<string, Setting>>;

type Kind = 'string' | 'bool' | 'duration' | 'stringSlice' | 'uint16';

/** The keys that `config set` accepts, those of the stock command, by the names that Go's flags give their types. */
const kinds: Readonly<Record<string, Kind>> = {
  'basic-auth-password': 'string',
  'basic-auth-username': 'string',
  config: 'string',
  debug: 'bool',
  'kube-context': 'string',
  'kube-namespace': 'string',
  kubeconfig: 'string',
  'port-forward': 'bool',
  'port-forward-port': 'uint16',
  'request-timeout': 'duration',
  server: 'string',
  timeout: 'duration',
  tls: 'bool',
  'tls-allow-insecure': 'bool',
  'tls-ca-cert-files': 'stringSlice',
  'tls-client-cert-file': 'string',
  'tls-client-key-file': 'string',
  'tls-server-name': 'string',
};

export const settingKeys: readonly string[] = Object.keys(kinds);

const defaults: Settings = {
  'kube-namespace': 'kube-system',
  // The stock command, too, prints its default as a text.
  'port-forward-port': '4245',
  'request-timeout': '12s',
  server: 'localhost:4245',
  timeout: '5s',
};

/** What holds where nothing is set. */
export const settingDefaults: Settings = Object.fromEntries(
  Object.entries(kinds).map(([key, kind]) => [key, defaults[key] ?? emptyOf(kind)]),
);

function emptyOf(kind: Kind): Setting {
  if (kind === 'bool') return false;
  return kind === 'stringSlice' ? [] : '';
}

/** Faults a key that there is not. */
export function checkKey(key: string): void {
  if (!Object.hasOwn(kinds, key)) throw new Fault(`unknown key: ${key}; allowed: ${settingKeys.join(', ')}`);
}

/** What Go's `strconv.ParseBool` makes of a text; undefined where it makes nothing of it. */
export function truthOf(text: string): boolean | undefined {
  if (['true', 't', 'T', 'TRUE', 'True', '1'].includes(text)) return true;
  return ['false', 'f', 'F', 'FALSE', 'False', '0'].includes(text) ? false : undefined;
}

const allowed: Readonly<Partial<Record<Kind, string>>> = {
  bool: 'true or false',
  duration: 'a duration such as 5s',
  uint16: '0 to 65535',
};

/** The text as the setting of a key that there is; an empty one is the default. Faults what does not fit. */
export function settingOf(key: string, text: string): Setting {
  const kind = kinds[key] ?? 'string';
  const value = text === '' ? (settingDefaults[key] ?? '') : readSetting(kind, text);
  if (value === undefined) {
    throw new Fault(`cannot assign value=${text} for key=${key}, expected type=${kind}; allowed: ${allowed[kind]}`);
  }
  return value;
}

/** The setting as its type has it, for printing: what the environment sets is a text. */
export function typedSetting(key: string, setting: Setting): Setting {
  const kind = kinds[key] ?? 'string';
  return typeof setting === 'string' && kind !== 'uint16' ? (readSetting(kind, setting) ?? setting) : setting;
}

function readSetting(kind: Kind, text: string): Setting | undefined {
  switch (kind) {
    case 'bool':
      return truthOf(text);
    case 'duration':
      return parseDuration(text) === undefined ? undefined : text;
    case 'uint16':
      return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
    case 'stringSlice':
      return text
        .replace(/^\[|\]$/g, '')
        .split(',')
        .filter((one) => one !== '');
    case 'string':
      return text;
  }
}
