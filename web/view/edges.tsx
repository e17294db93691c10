import { type Edge, type EdgeState, edgeState } from '../model/aggregate.ts';
import { type Curve, curveBetween } from '../model/curves.ts';
import { verdictMarks, verdictWords } from '../model/explain.ts';
import { cardWidth, headerHeight, rowHeight } from '../model/layout.ts';
import { formatRate, rateSeconds, rememberedSeconds } from '../model/rates.ts';
import { fitRows, rowsOf } from '../model/rows.ts';
import type { Store } from '../store.ts';

interface DrawnEdge {
  readonly edge: Edge;
  readonly state: EdgeState;
  readonly curve: Curve;
  readonly isNear: boolean;
}

/** Every arrow of the map with its way. */
export function drawEdges(store: Store, nowMs: number): DrawnEdge[] {
  const { map, layout, selectedCard } = store.state;
  const edges = [...map.edges.values()];
  const labels = labelPlaces(edges);
  const portHeights = new Map<string, number>();
  for (const card of map.cards.values()) {
    const place = layout.places.get(card.key);
    if (!place) continue;
    fitRows(rowsOf(card), place.rows).fitting.forEach((row, index) => {
      if (row.kind === 'port')
        portHeights.set(`${card.key} ${row.accessPoint.key}`, headerHeight + (index + 0.5) * rowHeight);
    });
  }
  const width = store.state.cursorMs === undefined ? rateSeconds : rememberedSeconds;
  return edges.flatMap((edge) => {
    const from = layout.places.get(edge.from);
    const to = layout.places.get(edge.to);
    if (!from || !to) return [];
    const y = to.y + (portHeights.get(`${edge.to} ${edge.accessPoint}`) ?? 24);
    const labelAt = labels.get(edge.key) ?? 0.5;
    const curve = curveBetween({ ...from, width: cardWidth }, { ...to, width: cardWidth }, y, labelAt);
    const isNear = selectedCard === undefined || selectedCard === edge.from || selectedCard === edge.to;
    return [{ edge, state: edgeState(edge, nowMs, width), curve, isNear }];
  });
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
          <path class="edge-touch" d={each.curve.d} />
          <path
            class={`edge ${each.state.verdict}`}
            d={each.curve.d}
            marker-end={`url(#arrow-${each.state.verdict})`}
          />
        </g>
      ))}
    </g>
  );
}

/** The words on the arrows. They are drawn after the cards, so that no card hides them. */
export function EdgeLabels({ drawn }: { readonly drawn: readonly DrawnEdge[] }) {
  return (
    <g class="edge-labels">
      {drawn.map((each) => {
        const text = labelOf(each.state);
        if (text === '') return undefined;
        const { x, y } = each.curve.label;
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

/** Where along its way each arrow's label stands: spread, so that those of arrows that meet do not cover each other. */
function labelPlaces(edges: readonly Edge[]): ReadonlyMap<string, number> {
  const leaving = groupBy(edges, ({ from }) => from);
  const arriving = groupBy(edges, ({ to }) => to);
  const places = new Map<string, number>();
  for (const edge of edges) {
    const out = leaving.get(edge.from) ?? [];
    const into = arriving.get(edge.to) ?? [];
    const group = out.length > into.length ? out : into;
    const share = group.length === 1 ? 0.5 : group.indexOf(edge) / (group.length - 1);
    places.set(edge.key, out.length > into.length ? 0.5 + 0.3 * share : 0.2 + 0.4 * share);
  }
  return places;
}

function groupBy(edges: readonly Edge[], keyOf: (edge: Edge) => string): Map<string, Edge[]> {
  const groups = new Map<string, Edge[]>();
  for (const edge of edges) {
    const known = groups.get(keyOf(edge));
    if (known) known.push(edge);
    else groups.set(keyOf(edge), [edge]);
  }
  return groups;
}
