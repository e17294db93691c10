/** A fault of a regular expression in the words of RE2 in C++: `missing ): (` for what Go calls "missing closing ): `(`". */
export function re2Error(message: string): string {
  return message
    .replace(/^error parsing regexp: /, '')
    .replace('missing closing ', 'missing ')
    .replace(/`(.*)`$/, '$1');
}
