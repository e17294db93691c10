/**
 * The `d` of a line through values at equal distances, the highest at the top; empty when all are zero. The line has a gap where a value is
 * not known; one that stands alone is a dash.
 */
export function sparkPath(values: readonly (number | undefined)[], width: number, height: number): string {
  const most = Math.max(0, ...values.filter((value) => value !== undefined));
  if (!(most > 0)) return '';
  const step = width / Math.max(1, values.length - 1);
  let path = '';
  values.forEach((value, index) => {
    if (value === undefined) return;
    const x = index * step;
    const y = (height - (value / most) * (height - 2) - 1).toFixed(1);
    const [begins, ends] = [values[index - 1] === undefined, values[index + 1] === undefined];
    if (begins && ends) path += `M${(x - dashWidth / 2).toFixed(1)},${y}h${dashWidth}`;
    else path += `${begins ? 'M' : 'L'}${x.toFixed(1)},${y}`;
  });
  return path;
}

const dashWidth = 3;
