import type { Fields } from '../config/fields.ts';
import { readCidr } from './cidr.ts';
import { readStringMatcher } from './strings.ts';

/** Checks an `envoy.type.matcher.v3.FilterStateMatcher`. No filter here keeps anything under a name, and what is absent matches nothing. */
export function checkFilterState(fields: Fields): void {
  fields.required('key');
  switch (fields.oneOf('matcher', ['string_match', 'address_match'])) {
    case 'string_match':
      fields.message('string_match', readStringMatcher);
      return;
    case 'address_match':
      fields.message('address_match', (inner) => {
        inner.flag('invert_match');
        inner.list('ranges', readCidr);
      });
      return;
    default:
  }
}
