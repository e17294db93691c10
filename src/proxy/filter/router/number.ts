/** A decimal number that Envoy would take from a header; undefined for anything else. */
export function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text.length > 32) return undefined;
  const trimmed = text.trim();
  return /^[+-]?\d{1,19}$/.test(trimmed) && !/^-0*[1-9]/.test(trimmed) ? Number(trimmed) : undefined;
}
