import type { Fields } from '../../config/fields.ts';

/** Reads an `envoy.config.core.v3.HealthCheck.Payload`: hexadecimal digits, or bytes. */
export function readPayload(fields: Fields): Buffer {
  const kind = fields.oneOf('payload', ['text', 'binary']);
  const text = kind === undefined ? '' : fields.text(kind);
  if (kind !== 'text') return Buffer.from(text, 'base64');
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(text))
    fields.problem('text', `found ${JSON.stringify(text)}`, 'hexadecimal digits');
  return Buffer.from(text, 'hex');
}

/** Whether the bytes hold all of the parts in their order, with anything between them. */
export function holdsParts(bytes: Buffer, parts: readonly Buffer[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = bytes.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}
