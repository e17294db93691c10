/** One measured figure. `peer` names what it is measured against, if anything. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  /** The lower and the upper quartile of what the value is the median of. */
  readonly quartiles?: readonly [lower: number, upper: number];
  readonly unit: string;
  readonly peer?: string;
  readonly goal?: string;
  /** The same of other programs, in the same unit, by their names. */
  readonly peers?: Readonly<Record<string, number>>;
  /** Ours divided by theirs, median over rounds in which each was measured right after the other. */
  readonly ratios?: Readonly<Record<string, number>>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function quartiles(values: readonly number[]): readonly [lower: number, upper: number] {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return [median(sorted.slice(0, Math.floor(middle))), median(sorted.slice(Math.ceil(middle)))];
}

export function printFigures(figures: readonly Figure[], asJson: boolean): void {
  if (asJson) {
    for (const figure of figures) console.log(JSON.stringify(figure));
    return;
  }
  const names = [...new Set(figures.flatMap(({ peers = {} }) => Object.keys(peers)))];
  const hasRatios = figures.some(({ ratios }) => ratios);
  const rows = figures.map(({ figure, value, quartiles: between, unit, peer, goal, peers = {}, ratios = {} }) => [
    figure,
    `${round(value)} ${unit}${between ? ` (${between.map(round).join(' to ')})` : ''}`,
    ...names.map((name) => (peers[name] === undefined ? '' : round(peers[name]))),
    ...(hasRatios ? [ratioText(ratios)] : []),
    goal ?? '',
    peer ?? '',
  ]);
  const table = [['figure', 'value', ...names, ...(hasRatios ? ['ratio'] : []), 'goal', 'peer'], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  for (const row of table)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function ratioText(ratios: Readonly<Record<string, number>>): string {
  return Object.entries(ratios)
    .map(([name, ratio]) => `${ratio.toFixed(2)} of ${name}`)
    .join(', ');
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
