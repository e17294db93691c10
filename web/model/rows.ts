import type { AccessPoint, CallRow, Card } from './aggregate.ts';

/** A line of a card: a port, or a kind of call below its port. */
export type Row =
  | { readonly kind: 'port'; readonly accessPoint: AccessPoint }
  | { readonly kind: 'call'; readonly accessPoint: AccessPoint; readonly call: CallRow };

/** The lines of a card in the order of the ports; calls by their first appearance. */
export function rowsOf(card: Card): Row[] {
  const accessPoints = [...card.accessPoints.values()].sort(
    (a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1),
  );
  return accessPoints.flatMap((accessPoint): Row[] => [
    { kind: 'port', accessPoint },
    ...[...accessPoint.rows.values()].map((call): Row => ({ kind: 'call', accessPoint, call })),
  ]);
}

/** The lines that fit in `most`; the last place tells how many are left. Ports are kept before calls, as arrows end there. */
export function fitRows(rows: readonly Row[], most: number): { readonly fitting: Row[]; readonly more: number } {
  if (rows.length <= most) return { fitting: [...rows], more: 0 };
  const places = Math.max(0, most - 1);
  const ports = rows.filter(({ kind }) => kind === 'port').slice(0, places);
  const kept = new Set<Row>(ports);
  for (const row of rows) {
    if (kept.size >= places) break;
    kept.add(row);
  }
  const fitting = rows.filter((row) => kept.has(row));
  return { fitting, more: rows.length - fitting.length };
}
