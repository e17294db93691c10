import { type Fields, isObject, type JsonObject, type JsonValue } from '../../config/fields.ts';
import { isHeaderValue, isToken } from '../../http/bytes.ts';
import { fieldOf } from './struct.ts';

/** A header that gets the value of a claim. */
export interface ClaimHeader {
  readonly header: string;
  /** Names from the payload down. */
  readonly path: readonly string[];
}

/** Reads an `envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader`. */
export function readClaimHeader(fields: Fields): ClaimHeader {
  const header = fields.required('header_name').toLowerCase();
  if (header !== '' && !isToken(header))
    fields.problem('header_name', `${JSON.stringify(header)} is not a header name`);
  const segments = fields.list('claim_path', (segment) => latin1(segment.required('key')));
  const name = latin1(fields.text('claim_name'));
  if (segments.length > 0 && name !== '') fields.problem('claim_path', 'is not for a claim with a claim_name');
  if (segments.length === 0 && name === '') fields.problem('claim_name', 'value is required');
  return { header, path: segments.length > 0 ? segments : name.split('.') };
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** The text that a header has of a claim; undefined where there is none, or none that a header may have. */
export function claimText(payload: JsonObject, path: readonly string[]): string | undefined {
  let value: JsonValue | undefined = payload;
  for (const name of path) value = isObject(value) ? fieldOf(value, name) : undefined;
  const text = textOf(value);
  return text !== undefined && text !== '' && isHeaderValue(text) ? text : undefined;
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return numberText(value);
  return Buffer.from(JSON.stringify(value), 'latin1').toString('base64');
}

/** Whole numbers of 64 bits as they are, all others with six digits behind the point. */
function numberText(value: number): string {
  const whole = Number.isInteger(value);
  if (whole && value >= 0 && value < 2 ** 64) return BigInt(value).toString();
  return whole ? `${BigInt(value)}.000000` : value.toFixed(6);
}
