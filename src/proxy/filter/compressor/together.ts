import type { Kept } from '../../http/stream-info.ts';
import type { FilterStream } from '../filter.ts';
import type { Candidate, Choice } from './choice.ts';

/** The compressors of a chain on one request: they choose together. */
export interface Together extends Kept {
  readonly candidates: Candidate[];
  choice: Choice | undefined;
}

const TOGETHER = {};

/** Those of a request, which is one object to all of them. */
export function together(stream: FilterStream): Together {
  const known = stream.kept(TOGETHER) as Together | undefined;
  if (known) return known;
  const made: Together = { candidates: [], choice: undefined, onEnd: () => undefined };
  stream.keep(TOGETHER, made);
  return made;
}
