import { statSync } from 'node:fs';
import path from 'node:path';
import type { Fields } from './fields.ts';

/** A file that holds resources, and the folder whose moves say that it changed. */
export interface FileSource {
  readonly path: string;
  readonly directory: string;
  /** Any move in the folder counts (`watched_directory`), not only one of the file. */
  readonly anyMove: boolean;
}

/** A read `envoy.config.core.v3.ConfigSource`. */
export interface ResourceSource {
  /** How long the first answer is waited for, in milliseconds; 0: without end. */
  readonly fetchTimeout: number;
  /** Undefined: the one aggregated stream. */
  readonly file: FileSource | undefined;
}

const DEFAULT_FETCH_MS = 15_000;
const STREAM = ['ads', 'self'] as const;

/** Reads where resources come from; `files`: a file will do, too. */
export function readResourceSource(fields: Fields, files = true): ResourceSource {
  fields.choice('resource_api_version', ['AUTO', 'V3', 'V2']);
  const fetchTimeout = fields.duration('initial_fetch_timeout') ?? DEFAULT_FETCH_MS;
  const kinds = files ? ([...STREAM, 'path_config_source', 'path'] as const) : STREAM;
  switch (fields.oneOf<(typeof kinds)[number]>('config_source_specifier', kinds)) {
    case 'self':
      fields.message('self', (inner) => inner.choice('transport_api_version', ['AUTO', 'V3', 'V2']));
      break;
    case 'ads':
      fields.message('ads', () => true);
      break;
    case 'path':
      return { fetchTimeout, file: existing(fields, 'path', fields.text('path'), undefined) };
    case 'path_config_source':
      return { fetchTimeout, file: fields.message('path_config_source', readFile) };
    default:
  }
  return { fetchTimeout, file: undefined };
}

/** The same for what cannot come from a file. */
export const readStreamSource = (fields: Fields): ResourceSource => readResourceSource(fields, false);

function readFile(fields: Fields): FileSource | undefined {
  const watched = fields.message('watched_directory', (inner) => inner.required('path'));
  return existing(fields, 'path', fields.required('path'), watched);
}

function existing(fields: Fields, key: string, file: string, watched: string | undefined): FileSource | undefined {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    fields.problem(key, `paths must refer to an existing path in the system: '${file}' does not exist`);
    return undefined;
  }
  return { path: file, directory: watched ?? path.dirname(file), anyMove: watched !== undefined };
}
