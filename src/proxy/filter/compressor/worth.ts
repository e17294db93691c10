import type { HeaderMap } from '../../http/headers.ts';
import { mediaType } from '../compression/tokens.ts';
import type { Direction } from './config.ts';

/** Whether the body is not said to be too short. */
export function isLongEnough(headers: HeaderMap, { minLength, stats }: Direction): boolean {
  const length = headers.get('content-length');
  if (length === undefined || Number(length) >= minLength) return true;
  stats.tooSmall++;
  return false;
}

export function hasType(headers: HeaderMap, { types }: Direction): boolean {
  const type = headers.get('content-type');
  return type === undefined || types.has(mediaType(type));
}
