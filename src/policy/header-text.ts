/** Whether a text can be a header's value: no control characters but tabs (RFC 9110, section 5.5). */
export function isHeaderText(text: string): boolean {
  return !/[^\P{Cc}\t]/u.test(text);
}
