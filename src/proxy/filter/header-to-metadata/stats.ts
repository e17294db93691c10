import { counter, statsKind } from '../../stats/kind.ts';

export class HeaderToMetadataStats {
  requestRules = 0;
  responseRules = 0;
  requestAdded = 0;
  responseAdded = 0;
  requestMissing = 0;
  responseMissing = 0;
  notBase64 = 0;
  tooLong = 0;
  rewrittenToNothing = 0;
}

/** Below `http_filter_name.<stat_prefix>.`, where one is configured. */
export const STATS = statsKind(HeaderToMetadataStats, {
  requestRules: counter('request_rules_processed'),
  responseRules: counter('response_rules_processed'),
  requestAdded: counter('request_metadata_added'),
  responseAdded: counter('response_metadata_added'),
  requestMissing: counter('request_header_not_found'),
  responseMissing: counter('response_header_not_found'),
  notBase64: counter('base64_decode_failed'),
  tooLong: counter('header_value_too_long'),
  rewrittenToNothing: counter('regex_substitution_failed'),
});
