import type { OverlayField } from './overlay.ts';

const text = 'string';
const flag = 'bool';
const basicAuth = 'envoy.extensions.filters.http.basic_auth.v3';

/** Fields that HTTP filters have gained. */
export const filterFields: readonly OverlayField[] = [
  { message: `${basicAuth}.BasicAuth`, field: 'authentication_header', number: 3, type: text },
  { message: `${basicAuth}.BasicAuth`, field: 'allow_missing', number: 4, type: flag },
  { message: `${basicAuth}.BasicAuth`, field: 'emit_dynamic_metadata', number: 5, type: flag },
  { message: `${basicAuth}.BasicAuth`, field: 'realm', number: 6, type: text },
  { message: `${basicAuth}.BasicAuthPerRoute`, field: 'realm', number: 2, type: text },
];
