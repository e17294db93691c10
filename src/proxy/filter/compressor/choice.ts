import { before, behind, mediaType } from '../compression/tokens.ts';

/** A compressor of a chain, where it stands in it. */
export interface Candidate {
  readonly encoding: string;
  /** Media types of responses. */
  readonly types: ReadonlySet<string>;
  readonly chooseFirst: boolean;
}

/** Which encoding a response gets, and what of `accept-encoding` said so. */
export interface Choice {
  readonly encoding: string;
  readonly because: 'compressor' | 'identity' | 'wildcard' | 'nothing';
}

const IDENTITY = 'identity';
const NOTHING: Choice = { encoding: IDENTITY, because: 'nothing' };

/** Chooses among the compressors of a chain as Envoy does: once for a response, by the weights of `accept-encoding`. */
export function choose(accept: string, contentType: string | undefined, candidates: readonly Candidate[]): Choice {
  const allowed = allowedOf(contentType === undefined ? undefined : mediaType(contentType), candidates);
  const wanted = weights(accept);
  for (const { encoding, weight } of wanted) if (weight === 0) allowed.delete(encoding);
  if (wanted.length === 0 || allowed.size === 0) return NOTHING;
  let chosen = { encoding: IDENTITY, weight: 0 };
  for (const one of wanted) {
    const { encoding, weight } = one;
    const special = encoding === IDENTITY || encoding === '*';
    if (!special && !allowed.has(encoding)) continue;
    if (weight > chosen.weight || (weight === chosen.weight && allowed.get(encoding)?.chooseFirst)) chosen = one;
  }
  if (chosen.weight === 0) return NOTHING;
  if (chosen.encoding === IDENTITY) return { encoding: IDENTITY, because: 'identity' };
  if (chosen.encoding === '*') return { encoding: [...allowed.keys()][0] ?? IDENTITY, because: 'wildcard' };
  return { encoding: chosen.encoding, because: 'compressor' };
}

/** By encoding, the first in the chain first. */
function allowedOf(type: string | undefined, candidates: readonly Candidate[]): Map<string, Candidate> {
  const allowed = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { encoding, types } = candidate;
    if ((type === undefined || types.has(type)) && !allowed.has(encoding)) allowed.set(encoding, candidate);
  }
  return allowed;
}

interface Weight {
  readonly encoding: string;
  readonly weight: number;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** What is accepted with which weight; an entry whose weight is no number is none. */
function weights(accept: string): readonly Weight[] {
  return accept.split(',').flatMap((token): readonly Weight[] => {
    if (token === '') return [];
    const encoding = before(token, ';');
    const parameters = token.includes(';') ? behind(token, ';') : '';
    if (!parameters.includes('=') || before(parameters, '=').toLowerCase() !== 'q') return [{ encoding, weight: 1 }];
    const text = behind(parameters, '=').trim();
    return NUMBER.test(text) ? [{ encoding, weight: Math.fround(Number(text)) }] : [];
  });
}
