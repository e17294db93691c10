import { counter, statsKind } from '../../stats/kind.ts';

/** Of one direction. */
export class DirectionStats {
  compressed = 0;
  notCompressed = 0;
  uncompressedBytes = 0;
  compressedBytes = 0;
  tooSmall = 0;
}

export const DIRECTION_STATS = statsKind(DirectionStats, {
  compressed: counter('compressed'),
  notCompressed: counter('not_compressed'),
  uncompressedBytes: counter('total_uncompressed_bytes'),
  compressedBytes: counter('total_compressed_bytes'),
  tooSmall: counter('content_length_too_small'),
});

/** What came of `accept-encoding` and `etag`. */
export class ChoiceStats {
  noAcceptHeader = 0;
  identity = 0;
  used = 0;
  overshadowed = 0;
  wildcard = 0;
  notValid = 0;
  etag = 0;
}

export const CHOICE_STATS = statsKind(ChoiceStats, {
  noAcceptHeader: counter('no_accept_header'),
  identity: counter('header_identity'),
  used: counter('header_compressor_used'),
  overshadowed: counter('header_compressor_overshadowed'),
  wildcard: counter('header_wildcard'),
  notValid: counter('header_not_valid'),
  etag: counter('not_compressed_etag'),
});
