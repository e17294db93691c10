import { counter, statsKind } from '../../stats/kind.ts';

class ZlibStats {
  errno = 0;
  streamError = 0;
  dataError = 0;
  memError = 0;
  bufError = 0;
  versionError = 0;
}

export const ZLIB_STATS = statsKind(ZlibStats, {
  errno: counter('zlib_errno'),
  streamError: counter('zlib_stream_error'),
  dataError: counter('zlib_data_error'),
  memError: counter('zlib_mem_error'),
  bufError: counter('zlib_buf_error'),
  versionError: counter('zlib_version_error'),
});

class BrotliStats {
  error = 0;
}

export const BROTLI_STATS = statsKind(BrotliStats, { error: counter('brotli_error') });

class ZstdStats {
  memoryError = 0;
  dictionaryError = 0;
  checksumError = 0;
  genericError = 0;
}

export const ZSTD_STATS = statsKind(ZstdStats, {
  memoryError: counter('zstd_memory_error'),
  dictionaryError: counter('zstd_dictionary_error'),
  checksumError: counter('zstd_checksum_wrong_error'),
  genericError: counter('zstd_generic_error'),
});

const ZLIB_FIELDS: Readonly<Record<string, keyof ZlibStats>> = {
  Z_ERRNO: 'errno',
  Z_STREAM_ERROR: 'streamError',
  Z_MEM_ERROR: 'memError',
  Z_BUF_ERROR: 'bufError',
  Z_VERSION_ERROR: 'versionError',
};

const ZSTD_FIELDS: Readonly<Record<string, keyof ZstdStats>> = {
  ZSTD_error_memory_allocation: 'memoryError',
  ZSTD_error_dictionary_corrupted: 'dictionaryError',
  ZSTD_error_dictionary_wrong: 'dictionaryError',
  ZSTD_error_checksum_wrong: 'checksumError',
};

/** Counts an error by the code that `node:zlib` gives it. */
export function countZlib(stats: ZlibStats, code: string): void {
  stats[ZLIB_FIELDS[code] ?? 'dataError']++;
}

export function countZstd(stats: ZstdStats, code: string): void {
  stats[ZSTD_FIELDS[code] ?? 'genericError']++;
}
