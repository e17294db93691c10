/** The `d` of a line through values at equal distances, the highest at the top; empty when all are zero. */
export function sparkPath(
  values: readonly number[],
  width: number,
  height: number,
  most = Math.max(...values),
): string {
  if (!(most > 0)) return '';
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, index) => {
    const y = height - (Math.min(value, most) / most) * (height - 2) - 1;
    return `${(index * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return `M${points.join('L')}`;
}
