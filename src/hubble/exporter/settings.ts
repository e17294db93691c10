import { posix } from 'node:path';
import { fail, type Issue, ok, parseDuration, type Result } from '../../base/index.ts';
import type { FlowFilter } from '../../model/flow/index.ts';
import { compileFieldMask } from '../observer/field-mask.ts';
import type { Aggregation } from './aggregate.ts';
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
  /** Flows are counted; `fieldMask` does not matter then. */
  readonly aggregation: Aggregation | undefined;
  /** Milliseconds since 1970 after which nothing is written. */
  readonly endMs: number | undefined;
}

export const standardOutput = 'stdout';

const mebibyte = 1024 * 1024;
const defaults = { maxSizeMb: 10, maxBackups: 5 } as const;

const staticNames = {
  filePath: 'hubble-export-file-path',
  allow: 'hubble-export-allowlist',
  deny: 'hubble-export-denylist',
  fieldMask: 'hubble-export-fieldmask',
  aggregate: 'hubble-export-fieldaggregate',
  interval: 'hubble-export-aggregation-interval',
} as const;

function pathsOf(text = ''): string[] {
  return text.split(/[\s,]+/).filter((path) => path !== '');
}

/**
 * The static exporter from `cilium-config`, under Cilium's own keys: `hubble-export-file-path` (without it there is none; `stdout` for the
 * agent's log), `hubble-export-file-max-size-mb` (10), `hubble-export-file-max-backups` (5), `hubble-export-file-compress`,
 * `hubble-export-allowlist` and `hubble-export-denylist` (JSON filters one after the other), `hubble-export-fieldmask` (words),
 * `hubble-export-fieldaggregate` (words) and `hubble-export-aggregation-interval`.
 */
export function readStaticExporter(
  data: Readonly<Record<string, string>>,
): Result<ExporterSettings | undefined, Issue[]> {
  const names = staticNames;
  const filePath = data[names.filePath] ?? '';
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
  const interval = intervalOf(data[names.interval], names.interval, issues);
  const aggregated = pathsOf(data[names.aggregate]);
  const settings: ExporterSettings = {
    name: 'static',
    filePath: normalized(filePath),
    maxSizeBytes: sizeBytes(number('hubble-export-file-max-size-mb', defaults.maxSizeMb)),
    maxBackups: number('hubble-export-file-max-backups', defaults.maxBackups),
    compress: compress === 'true',
    allow: filtersOfText(data[names.allow] ?? '', names.allow, issues),
    deny: filtersOfText(data[names.deny] ?? '', names.deny, issues),
    fieldMask: pathsOf(data[names.fieldMask]),
    aggregation: aggregationOf(aggregated, interval),
    endMs: undefined,
  };
  checkSettings(settings, issues, names);
  checkPaths(aggregated, names.aggregate, issues);
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
 * once only, and `fieldMask`, `includeFilters`, `excludeFilters`, `fileMaxSizeMb`, `fileMaxBackups`, `fileCompress`, `fieldAggregate`,
 * `aggregationInterval` and `end` (RFC 3339).
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
  const texts = (key: string): readonly string[] => {
    const list = read<string[]>(key, [], 'a list of texts', (value) => Array.isArray(value) && value.every(isText));
    return Array.isArray(list) ? list : [];
  };
  const aggregated = texts('fieldAggregate');
  const interval = intervalOf(entry['aggregationInterval'], `${path}.aggregationInterval`, issues);
  const settings: ExporterSettings = {
    name: required('name'),
    filePath: normalized(required('filePath')),
    // As in Cilium zero stands for the default here.
    maxSizeBytes: sizeBytes(read('fileMaxSizeMb', 0, 'a whole number', whole) || defaults.maxSizeMb),
    maxBackups: read('fileMaxBackups', 0, 'a whole number', whole) || defaults.maxBackups,
    compress: read('fileCompress', false, 'true, false', (value) => typeof value === 'boolean'),
    allow: filtersOf(entry['includeFilters'], `${path}.includeFilters`, issues),
    deny: filtersOf(entry['excludeFilters'], `${path}.excludeFilters`, issues),
    fieldMask: texts('fieldMask'),
    aggregation: aggregationOf(aggregated, interval),
    endMs: end === '' ? undefined : Date.parse(String(end)),
  };
  const paths = { filePath: 'filePath', allow: 'includeFilters', deny: 'excludeFilters', fieldMask: 'fieldMask' };
  const named = Object.entries(paths).map(([key, name]) => [key, `${path}.${name}`]);
  checkSettings(settings, issues, Object.fromEntries(named) as typeof paths);
  checkPaths(aggregated, `${path}.fieldAggregate`, issues);
  return settings;
}

/** So that two names of one file are seen to be one. */
function normalized(filePath: string): string {
  return filePath.startsWith('/') ? posix.normalize(filePath) : filePath;
}

function sizeBytes(mebibytes: number): number {
  return Math.max(1, mebibytes) * mebibyte;
}

const millisecond = 1_000_000n;
const shortestMs = 10;
const longestMs = 24 * 3600 * 1000;

/** The interval in milliseconds, 0 for none: a Go duration. */
function intervalOf(value: unknown, path: string, issues: Issue[]): number {
  if (value === undefined || value === null || value === '' || value === 0) return 0;
  const ns = typeof value === 'string' ? parseDuration(value) : undefined;
  const ms = ns === undefined ? Number.NaN : Number(ns / millisecond);
  if (ns === 0n || (ms >= shortestMs && ms <= longestMs)) return ms;
  issues.push({ path, ...wrong(value, '0s, a duration from 10ms to 24h as 30s') });
  return 0;
}

/** As in Cilium flows are counted only where there are both fields and an interval. */
function aggregationOf(fields: readonly string[], intervalMs: number): Aggregation | undefined {
  return fields.length > 0 && intervalMs > 0 ? { fields, intervalMs } : undefined;
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
  checkPaths(fieldMask, names.fieldMask, issues);
}

function checkPaths(paths: readonly string[], name: string, issues: Issue[]): void {
  const mask = compileFieldMask(paths);
  if (!mask.ok) issues.push({ path: name, message: mask.error });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
