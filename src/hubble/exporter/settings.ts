import { posix } from 'node:path';
import { fail, type Issue, ok, type Result } from '../../base/index.ts';
import type { FlowFilter } from '../../model/flow/index.ts';
import { compileFieldMask } from '../observer/field-mask.ts';
import { checkFilters, filtersOf, filtersOfText, wrong } from './filters.ts';

/** One exporter: what it writes and where. */
export interface ExporterSettings {
  readonly name: string;
  /** `stdout`, or a path of the node. */
  readonly filePath: string;
  readonly maxSizeBytes: number;
  /** Rotated files that stay. */
  readonly maxBackups: number;
  /** Rotated files are compressed. */
  readonly compress: boolean;
  readonly allow: readonly FlowFilter[];
  readonly deny: readonly FlowFilter[];
  /** Paths of Flow; none for all of it. */
  readonly fieldMask: readonly string[];
  /** Milliseconds since 1970 after which nothing is written. */
  readonly endMs: number | undefined;
}

export const standardOutput = 'stdout';

const mebibyte = 1024 * 1024;
const defaults = { maxSizeMb: 10, maxBackups: 5 } as const;

/**
 * The static exporter from `cilium-config`, under Cilium's own keys: `hubble-export-file-path` (without it there is none; `stdout` for the
 * agent's log), `hubble-export-file-max-size-mb` (10), `hubble-export-file-max-backups` (5), `hubble-export-file-compress`,
 * `hubble-export-allowlist` and `hubble-export-denylist` (JSON filters one after the other), `hubble-export-fieldmask` (words).
 */
export function readStaticExporter(
  data: Readonly<Record<string, string>>,
): Result<ExporterSettings | undefined, Issue[]> {
  const filePath = data['hubble-export-file-path'] ?? '';
  if (filePath === '') return ok(undefined);
  const issues: Issue[] = [];
  const number = (key: string, fallback: number): number => {
    const text = data[key] ?? '';
    if (text !== '' && !/^\d{1,6}$/.test(text)) issues.push({ path: key, ...wrong(text, 'a whole number') });
    return text === '' ? fallback : Number(text);
  };
  const compress = data['hubble-export-file-compress'] ?? '';
  if (!['', 'true', 'false'].includes(compress)) {
    issues.push({ path: 'hubble-export-file-compress', ...wrong(compress, 'true, false') });
  }
  refuseAggregation(data, (key) => `hubble-export-${key}`, issues);
  const settings: ExporterSettings = {
    name: 'static',
    filePath: normalized(filePath),
    maxSizeBytes: sizeBytes(number('hubble-export-file-max-size-mb', defaults.maxSizeMb)),
    maxBackups: number('hubble-export-file-max-backups', defaults.maxBackups),
    compress: compress === 'true',
    allow: filtersOfText(data['hubble-export-allowlist'] ?? '', 'hubble-export-allowlist', issues),
    deny: filtersOfText(data['hubble-export-denylist'] ?? '', 'hubble-export-denylist', issues),
    fieldMask: (data['hubble-export-fieldmask'] ?? '').split(/[\s,]+/).filter((path) => path !== ''),
    endMs: undefined,
  };
  checkSettings(settings, issues, {
    filePath: 'hubble-export-file-path',
    allow: 'hubble-export-allowlist',
    deny: 'hubble-export-denylist',
    fieldMask: 'hubble-export-fieldmask',
  });
  return issues.length > 0 ? fail(issues) : ok(settings);
}

const flowLogKeys = new Set(
  (
    'name filePath fieldMask includeFilters excludeFilters fileMaxSizeMb fileMaxBackups fileCompress end ' +
    'fieldAggregate aggregationInterval'
  ).split(' '),
);

/**
 * The dynamic exporters of a `flowlogs.yaml` (`hubble-flowlogs-config-path`) as parsed: `flowLogs` with `name` and `filePath`, both of them
 * once only, and `fieldMask`, `includeFilters`, `excludeFilters`, `fileMaxSizeMb`, `fileMaxBackups`, `fileCompress` and `end` (RFC 3339).
 */
export function readFlowLogs(document: unknown): Result<readonly ExporterSettings[], Issue[]> {
  if (document === null || document === undefined) return ok([]);
  const list = isObject(document) ? (document['flowLogs'] ?? []) : document;
  if (!Array.isArray(list)) return fail([{ path: 'flowLogs', ...wrong(list, 'a list') }]);
  const issues: Issue[] = [];
  const settings = list.map((entry, index) => readFlowLog(entry, `flowLogs[${index}]`, issues));
  for (const key of ['name', 'filePath'] as const) {
    const seen = new Map<string, number>();
    for (const [index, one] of settings.entries()) {
      const value = one?.[key] ?? '';
      const first = seen.get(value);
      if (value === '' || (key === 'filePath' && value === standardOutput)) continue;
      if (first === undefined) seen.set(value, index);
      else issues.push({ path: `flowLogs[${index}].${key}`, message: `${value} is that of flowLogs[${first}], too` });
    }
  }
  return issues.length > 0 ? fail(issues) : ok(settings.filter((one) => one !== undefined));
}

function readFlowLog(entry: unknown, path: string, issues: Issue[]): ExporterSettings | undefined {
  if (!isObject(entry)) {
    issues.push({ path, ...wrong(entry, 'an object') });
    return undefined;
  }
  for (const key of Object.keys(entry)) {
    if (!flowLogKeys.has(key)) issues.push({ path: `${path}.${key}`, message: 'is not known' });
  }
  const read = <T>(key: string, fallback: T, allowed: string, fits: (value: unknown) => boolean): T => {
    const value = entry[key];
    if (value === undefined || value === null) return fallback;
    if (!fits(value)) issues.push({ path: `${path}.${key}`, ...wrong(value, allowed) });
    return value as T;
  };
  const whole = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
  const isText = (value: unknown): boolean => typeof value === 'string';
  const required = (key: string): string => {
    const text = read(key, '', 'a text', isText);
    if (text === '') issues.push({ path: `${path}.${key}`, message: 'is required' });
    return text;
  };
  const end = read('end', '', 'a time as 2026-01-31T00:00:00Z', (value) => !Number.isNaN(Date.parse(String(value))));
  const mask = read<string[]>(
    'fieldMask',
    [],
    'a list of texts',
    (value) => Array.isArray(value) && value.every(isText),
  );
  refuseAggregation(entry, (key) => `${path}.${camelCase(key)}`, issues, camelCase);
  const settings: ExporterSettings = {
    name: required('name'),
    filePath: normalized(required('filePath')),
    // As in Cilium zero stands for the default here.
    maxSizeBytes: sizeBytes(read('fileMaxSizeMb', 0, 'a whole number', whole) || defaults.maxSizeMb),
    maxBackups: read('fileMaxBackups', 0, 'a whole number', whole) || defaults.maxBackups,
    compress: read('fileCompress', false, 'true, false', (value) => typeof value === 'boolean'),
    allow: filtersOf(entry['includeFilters'], `${path}.includeFilters`, issues),
    deny: filtersOf(entry['excludeFilters'], `${path}.excludeFilters`, issues),
    fieldMask: Array.isArray(mask) ? mask : [],
    endMs: end === '' ? undefined : Date.parse(String(end)),
  };
  const paths = { filePath: 'filePath', allow: 'includeFilters', deny: 'excludeFilters', fieldMask: 'fieldMask' };
  const named = Object.entries(paths).map(([key, name]) => [key, `${path}.${name}`]);
  checkSettings(settings, issues, Object.fromEntries(named) as typeof paths);
  return settings;
}

/** So that two names of one file are seen to be one. */
function normalized(filePath: string): string {
  return filePath.startsWith('/') ? posix.normalize(filePath) : filePath;
}

function sizeBytes(mebibytes: number): number {
  return Math.max(1, mebibytes) * mebibyte;
}

/** Counting flows that are alike instead of writing each is not done, and must not be taken for done. */
function refuseAggregation(
  data: Readonly<Record<string, unknown>>,
  pathOf: (key: string) => string,
  issues: Issue[],
  keyOf: (key: string) => string = (key) => `hubble-export-${key}`,
): void {
  const fields = data[keyOf('fieldaggregate')];
  const isEmpty =
    fields === undefined || fields === null || fields === '' || (Array.isArray(fields) && fields.length === 0);
  if (!isEmpty) issues.push({ path: pathOf('fieldaggregate'), message: 'aggregation is not supported' });
  const interval = data[keyOf('aggregation-interval')];
  if (interval !== undefined && !['', '0', '0s'].includes(String(interval ?? ''))) {
    issues.push({ path: pathOf('aggregation-interval'), message: 'aggregation is not supported', allowed: '0s' });
  }
}

function camelCase(key: string): string {
  return key === 'fieldaggregate' ? 'fieldAggregate' : 'aggregationInterval';
}

type SettingNames = Readonly<Record<'filePath' | 'allow' | 'deny' | 'fieldMask', string>>;

/** What can only be told of the whole: filters that do not compile, and paths. */
function checkSettings(settings: ExporterSettings, issues: Issue[], names: SettingNames): void {
  const { filePath, allow, deny, fieldMask } = settings;
  if (filePath !== '' && filePath !== standardOutput && !/^\/[^\0]*[^/\0]$/.test(filePath)) {
    issues.push({ path: names.filePath, ...wrong(filePath, 'stdout, an absolute path of a file') });
  }
  checkFilters(allow, names.allow, issues);
  checkFilters(deny, names.deny, issues);
  const mask = compileFieldMask(fieldMask);
  if (!mask.ok) issues.push({ path: names.fieldMask, message: mask.error });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
