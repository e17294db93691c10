const trim = (text: string): string => text.replace(/^[ \t\r\n\v\f]+|[ \t\r\n\v\f]+$/g, '');

/** What stands before the first of a mark, or all. */
export const before = (text: string, mark: string): string => {
  const at = text.indexOf(mark);
  return trim(at < 0 ? text : text.slice(0, at));
};

/** What stands behind the first of a mark, or all. */
export const behind = (text: string, mark: string): string => {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(at + mark.length);
};

/** Whether a list has a token, in whatever case. */
export function hasToken(list: string | undefined, token: string): boolean {
  return list?.split(',').some((one) => trim(one).toLowerCase() === token) ?? false;
}

/** Whether a `vary` list names a header, as Envoy writes it. */
export function namesExactly(list: string, token: string): boolean {
  return list.split(',').some((one) => trim(one) === token);
}

/** The media type of a `content-type`, in lower case. */
export const mediaType = (value: string): string => before(value, ';').toLowerCase();

/** An `accept-encoding` that has an encoding at its end, without weight, and nowhere else. */
export function withEncoding(list: string, encoding: string): string {
  const others = list
    .split(',')
    .map(trim)
    .filter((one) => one !== '' && before(one, ';') !== encoding);
  return [...others, encoding].join(',');
}
