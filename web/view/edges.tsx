import { type Card, type Edge, type EdgeState, edgeState } from '../model/aggregate.ts';
import { type CurvePoints, curveBetween, pathData } from '../model/curves.ts';
import { verdictMarks, verdictWords } from '../model/explain.ts';
import { placeLabels } from '../model/labels.ts';
import { cardWidth, headerHeight, type Place, rowHeight } from '../model/layout.ts';
import { formatRate, rateSeconds, rememberedSeconds } from '../model/rates.ts';
import { fitRows, rowsOf } from '../model/rows.ts';
import type { State, Store } from '../store.ts';

export interface DrawnEdge {
  readonly edge: Edge;
  readonly state: EdgeState;
  readonly d: string;
  /** Where its words stand; none on a map too small for them. */
  readonly label: { readonly x: number; readonly y: number } | undefined;
  readonly isNear: boolean;
}

/** The ways of all arrows and the places of their words. They only change when a card or an arrow comes. */
export interface EdgePlan {
  readonly curves: ReadonlyMap<string, CurvePoints>;
  readonly labels: ReturnType<typeof placeLabels>;
}

export function planEdges({ map, layout }: State, hasWords: boolean): EdgePlan {
  const curves = new Map<string, CurvePoints>();
  const portRows = new Map<string, ReadonlyMap<string, number>>();
  for (const edge of map.edges.values()) {
    const from = layout.places.get(edge.from);
    const to = layout.places.get(edge.to);
    const card = map.cards.get(edge.to);
    if (!from || !to || !card) continue;
    const ports = portRows.get(card.key) ?? portRowsOf(card, to);
    portRows.set(card.key, ports);
    const row = ports.get(edge.accessPoint);
    const y = to.y + (row === undefined ? 24 : headerHeight + (row + 0.5) * rowHeight);
    curves.set(edge.key, curveBetween({ ...from, width: cardWidth }, { ...to, width: cardWidth }, y));
  }
  if (!hasWords) return { curves, labels: new Map() };
  const boxes = [...layout.places.values()].map((place) => ({ ...place, width: cardWidth }));
  return { curves, labels: placeLabels(curves, boxes) };
}

/** Arrows as they look now. */
export function drawEdges(
  edges: readonly Edge[],
  { state: { selectedCard, cursorMs } }: Store,
  plan: EdgePlan,
  nowMs: number,
): DrawnEdge[] {
  const width = cursorMs === undefined ? rateSeconds : rememberedSeconds;
  return edges.flatMap((edge) => {
    const curve = plan.curves.get(edge.key);
    if (!curve) return [];
    const label = plan.labels.get(edge.key);
    const isNear = selectedCard === undefined || selectedCard === edge.from || selectedCard === edge.to;
    return [{ edge, state: edgeState(edge, nowMs, width), d: pathData(curve), label, isNear }];
  });
}

/** The rows in which a card shows its ports, by the keys of those. */
function portRowsOf(card: Card, { rows }: Place): ReadonlyMap<string, number> {
  const { fitting } = fitRows(rowsOf(card), rows);
  return new Map(fitting.flatMap(({ kind, accessPoint }, row) => (kind === 'port' ? [[accessPoint.key, row]] : [])));
}

function classesOf({ state, isNear }: DrawnEdge): string {
  return `edge-group ${state.verdict}${state.isIdle ? ' idle' : ''}${isNear ? '' : ' far'}`;
}

export function EdgeLines({ drawn }: { readonly drawn: readonly DrawnEdge[] }) {
  return (
    <g>
      {drawn.map((each) => (
        <g key={each.edge.key} class={classesOf(each)} data-edge={each.edge.key} data-verdict={each.state.verdict}>
          <title>{titleOf(each)}</title>
          <path class="edge-touch" d={each.d} />
          <path class={`edge ${each.state.verdict}`} d={each.d} marker-end={`url(#arrow-${each.state.verdict})`} />
        </g>
      ))}
    </g>
  );
}

/** The words on the arrows. They are drawn after the cards, so that no card hides them. */
export function EdgeLabels({ drawn }: { readonly drawn: readonly DrawnEdge[] }) {
  return (
    <g>
      {drawn.map((each) => {
        const text = labelOf(each.state);
        if (text === '' || !each.label) return undefined;
        const { x, y } = each.label;
        const width = text.length * 6.4 + 14;
        return (
          <g key={each.edge.key} class={`edge-label ${classesOf(each)}`} transform={`translate(${x},${y})`}>
            <rect class="pill" x={-width / 2} y={-9} width={width} height={18} rx={9} />
            <text class="words" y={4} text-anchor="middle">
              {text}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function titleOf({ edge, state }: DrawnEdge): string {
  const { forwarded, dropped } = edge.total;
  const counts = `${forwarded} flows forwarded, ${dropped} dropped`;
  return `${edge.from} to ${edge.to} ${edge.accessPoint}: ${verdictWords[state.verdict]}, ${counts}`;
}

/** Mark, share, word and rate of an arrow; empty for one that has nothing to say. */
function labelOf({ verdict, rate, droppedShare, isIdle }: EdgeState): string {
  const shownRate = formatRate(rate);
  if (shownRate === '' && (verdict === 'forwarded' || isIdle)) return '';
  const share = verdict === 'mixed' ? `${Math.max(1, Math.round(droppedShare * 100))}% dropped` : '';
  const word = verdict === 'dropped' || verdict === 'error' ? verdictWords[verdict] : '';
  return [verdictMarks[verdict], share, word, shownRate].filter((part) => part !== '').join(' ');
}
