import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Card } from '../model/aggregate.ts';
import { askedGroup, askingGroup, extent, type Place, type Plate } from '../model/layout.ts';
import type { State, Store } from '../store.ts';
import { CardView } from './card.tsx';
import { drawEdges, EdgeLabels, EdgeLines, planEdges } from './edges.tsx';
import { useViewport } from './viewport.ts';

/** Milliseconds between two drawings of the map while flows arrive, and of one with many arrows. */
const redrawMs = 250;
const largeRedrawMs = 1_000;
const manyArrows = 300;

export function ServiceMapView({ store }: { readonly store: Store }) {
  const { map, selectedCard, fault, connection } = store.state;
  const moment = Math.floor(Date.now() / (map.edges.size > manyArrows ? largeRedrawMs : redrawMs));
  return useMemo(() => <DrawnMap store={store} />, [store, map, selectedCard, fault, connection, moment]);
}

function DrawnMap({ store }: { readonly store: Store }) {
  const { state } = store;
  const { layout, map } = state;
  const svg = useRef<SVGSVGElement>(null);
  const viewport = useViewport(svg);
  const box = extent(layout);
  useEffect(() => viewport.show(box), [box.width, box.height]);
  const edgePlan = useMemo(() => planEdges(state), [layout, map, state.shape]);
  const nowMs = store.nowMs();
  const placed = placedCards(state);
  const drawn = drawEdges(store, edgePlan, nowMs);
  return (
    <section class="map" aria-label="Service map">
      <svg
        ref={svg}
        role="group"
        aria-label="Workloads and the flows between them"
        tabindex={0}
        onKeyDown={viewport.press}
      >
        <Markers />
        <g class="world">
          {layout.plates.map((plate) => (
            <PlateView key={`${plate.group} ${plate.y}`} plate={plate} />
          ))}
          <EdgeLines drawn={drawn} />
          {placed.map(({ card, place }) => (
            <CardView
              key={card.key}
              card={card}
              place={place}
              nowMs={nowMs}
              isSelected={state.selectedCard === card.key}
              onSelect={() => store.select({ card: card.key })}
            />
          ))}
          <EdgeLabels drawn={drawn} />
        </g>
      </svg>
      {map.cards.size === 0 && <EmptyMap store={store} />}
      <div class="zoom" role="toolbar" aria-label="Map">
        <button type="button" aria-label="Zoom in" title="Zoom in (+)" onClick={() => viewport.zoom(1.25)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out (−)" onClick={() => viewport.zoom(0.8)}>
          −
        </button>
        <button type="button" title="Show everything (0)" onClick={() => viewport.fit()}>
          Fit
        </button>
        <button type="button" title="Arrange again (t)" onClick={() => store.tidy()}>
          Tidy
        </button>
      </div>
      {map.omitted > 0 && <p class="omitted">{map.omitted} flows of further workloads are only in the table</p>}
    </section>
  );
}

/** The cards from left to right and from top to bottom, as the Tab key goes. */
function placedCards({ map, layout }: State): { readonly card: Card; readonly place: Place }[] {
  return [...map.cards.values()]
    .flatMap((card) => {
      const place = layout.places.get(card.key);
      return place ? [{ card, place }] : [];
    })
    .sort((a, b) => a.place.x - b.place.x || a.place.y - b.place.y);
}

const outsideTitles: Readonly<Record<string, string>> = { [askingGroup]: 'nodes and outside', [askedGroup]: 'outside' };

function PlateView({ plate: { group, x, y, width, height } }: { readonly plate: Plate }) {
  const outside = outsideTitles[group];
  return (
    <g class={outside === undefined ? 'plate' : 'plate outside'}>
      <rect x={x} y={y} width={width} height={height} rx={12} />
      <text x={x + 18} y={y + 28}>
        {outside ?? group}
      </text>
    </g>
  );
}

function Markers() {
  return (
    <defs>
      {['forwarded', 'dropped', 'mixed', 'audited', 'error'].map((verdict) => (
        <marker
          key={verdict}
          id={`arrow-${verdict}`}
          class={`arrow ${verdict}`}
          viewBox="0 0 10 10"
          refX="9"
          refY="5"
          markerWidth="9"
          markerHeight="9"
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0,0 L10,5 L0,10 z" />
        </marker>
      ))}
    </defs>
  );
}

function EmptyMap({ store: { state } }: { readonly store: Store }) {
  const narrowed = state.url.filter !== '' || state.url.namespaces.length > 0 || state.url.verdicts.length > 0;
  const text =
    state.fault !== undefined
      ? 'Nothing can be shown; the reason stands above.'
      : narrowed && state.connection !== 'connecting'
        ? 'No flow matches the filter so far.'
        : 'Waiting for the first flow.';
  return <p class="empty">{text}</p>;
}
