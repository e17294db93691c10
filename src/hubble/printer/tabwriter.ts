/**
 * Lays rows out as Go's `text/tabwriter` does with minwidth 2, tabwidth 0, padding 3: every column but a row's last is
 * padded to its widest cell and three spaces. Width counts characters, not bytes.
 */
export function layoutTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, length(cell));
    });
  }
  return rows
    .map((row) => {
      const padded = row
        .slice(0, -1)
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) + 3 - length(cell)));
      return `${padded.join('')}${row.at(-1) ?? ''}\n`;
    })
    .join('');
}

function length(cell: string): number {
  return [...cell].length;
}
