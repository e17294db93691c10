/** A server-side table (meta.k8s.io/v1). */
export interface Table {
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions?: readonly { readonly name: string; readonly priority?: number }[];
  readonly rows?: readonly TableRow[];
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: {
    readonly metadata?: {
      readonly name?: string;
      readonly namespace?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
  };
}

export interface TableView {
  readonly wide: boolean;
  readonly showLabels: boolean;
  readonly showNamespace: boolean;
  readonly noHeaders: boolean;
  /** Put before each name when several kinds are shown. */
  readonly namePrefix: string;
}

type Columns = NonNullable<Table['columnDefinitions']>;

/** Header and rows as cells of text, with the columns that the view shows. */
export function tableCells(columns: Columns, rows: readonly TableRow[], view: TableView): string[][] {
  const shown = columns.map((_, index) => index).filter((index) => view.wide || (columns[index]?.priority ?? 0) === 0);
  const nameColumn = columns.findIndex(({ name }) => name.toLowerCase() === 'name');
  const header = [
    ...(view.showNamespace ? ['NAMESPACE'] : []),
    ...shown.map((index) => columns[index]?.name.toUpperCase() ?? ''),
    ...(view.showLabels ? ['LABELS'] : []),
  ];
  const body = rows.map(({ cells, object }) => [
    ...(view.showNamespace ? [object?.metadata?.namespace ?? ''] : []),
    ...shown.map((index) => (index === nameColumn ? view.namePrefix : '') + cellText(cells[index])),
    ...(view.showLabels ? [labelsText(object?.metadata?.labels)] : []),
  ]);
  return view.noHeaders ? body : [header, ...body];
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}

function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? '<none>' : texts.sort().join(',');
}

/** Column widths that fit all rows. */
export function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => {
      widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  return widths;
}

/** Lines with three spaces between columns, as kubectl aligns them. */
export function alignedLines(rows: readonly (readonly string[])[], widths: readonly number[]): string {
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}
