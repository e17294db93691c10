import { Component, type ComponentChildren } from 'preact';
import { useEffect, useMemo, useReducer, useRef } from 'preact/hooks';
import {
  chooseDue,
  type Detail,
  detailOf,
  isInSight,
  isReadable,
  type Region,
  regionsOf,
  type Sight,
  sightKey,
} from '../model/regions.ts';
import type { Store } from '../store.ts';
import { CardView } from './card.tsx';
import { type DrawnEdge, drawEdges, planEdges } from './edges.tsx';

/** Milliseconds between two drawings of a region: of a few cards, of those in sight of a large map, and of cards that only show their names. */
const redrawMs = 250;
const largeRedrawMs = 500;
const namesRedrawMs = 1_000;
const manyArrows = 300;
/** Of a large map all cards are drawn before the first arrow. */
const cardsFirst = -2;
/** In cards that show their name only. A map of a dozen workloads is drawn anew in one frame. */
const budget = { again: 48, anew: 80 };

/** A region as it is shown until it is drawn again. */
export interface Drawing {
  readonly region: Region;
  /** What the whole map showed; undefined for cards that have no arrows yet. */
  readonly of: object | undefined;
  readonly detail: Detail;
  readonly drawnAtMs: number;
  /** What was in sight, by its key, and the pixels of a unit of the map. */
  readonly sight: string;
  readonly scale: number;
  /** The time of what is shown. */
  readonly nowMs: number;
  readonly edges: readonly DrawnEdge[];
  readonly labelled: readonly DrawnEdge[];
}

interface DrawnProps {
  /** Is drawn again only when this is another object. */
  readonly of: object;
  readonly draw: () => ComponentChildren;
}

/** What stays as it is while `of` does. A class, as only a component that refuses to be drawn again lets go of the elements of before; kept elements would hold the whole tree they were made for. */
export class Drawn extends Component<DrawnProps> {
  override shouldComponentUpdate(next: DrawnProps): boolean {
    return next.of !== this.props.of;
  }

  override render(): ComponentChildren {
    return this.props.draw();
  }
}

/** The regions of the map as they are drawn. Each frame only some of them are drawn, so that no frame of a large map takes long; what is there stays until then. */
export function useDrawings(store: Store, sight: Sight): Drawing[] {
  const { state } = store;
  const { layout, map, shape, selectedCard } = state;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const hasWords = isReadable(sight);
  const plan = useMemo(() => planEdges(state, hasWords), [layout, map, shape, hasWords]);
  const regions = useMemo(() => regionsOf(map, layout), [layout, map, shape]);
  const drawings = useRef(new Map<string, Drawing>()).current;
  const of = useMemo(() => ({}), [layout, map, selectedCard]);
  const waiting = waitingOf(regions, drawings, { of, sight, hasManyArrows: map.edges.size > manyArrows });
  const due = chooseDue(waiting, budget);
  const drawn = { drawnAtMs: performance.now(), nowMs: store.nowMs(), sight: sightKey(sight), scale: sight.scale };
  for (const { region, detail, of } of due) {
    const edges = drawEdges(region.edges, store, plan, drawn.nowMs);
    const labelled = edges.filter(({ label }) => label && isInSight({ ...label, width: 0, height: 0 }, sight));
    drawings.set(region.key, { ...drawn, region, of, detail, edges, labelled });
  }
  const isBehind = due.length < waiting.length || due.some((each) => each.of === undefined);
  useEffect(() => {
    if (!isBehind) return;
    const asked = requestAnimationFrame(() => redraw(undefined as never));
    return () => cancelAnimationFrame(asked);
  });
  return regions.flatMap((region) => drawings.get(region.key) ?? []);
}

interface Wanted {
  readonly of: object;
  readonly sight: Sight;
  readonly hasManyArrows: boolean;
}

type Waiting = Pick<Drawing, 'region' | 'of' | 'detail' | 'drawnAtMs'>;

/** The regions that have to be drawn, and forgets drawings of regions that are no more. */
function waitingOf(
  regions: readonly Region[],
  drawings: Map<string, Drawing>,
  { of, sight, hasManyArrows }: Wanted,
): Waiting[] {
  const known = new Set(regions.map(({ key }) => key));
  for (const gone of drawings.keys()) if (!known.has(gone)) drawings.delete(gone);
  const nowMs = performance.now();
  const key = sightKey(sight);
  const fullMs = hasManyArrows ? largeRedrawMs : redrawMs;
  return regions.flatMap((region): Waiting[] => {
    const detail = detailOf(region, sight);
    const drawing = drawings.get(region.key);
    if (!drawing && hasManyArrows)
      return [{ region: { ...region, edges: [] }, of: undefined, detail, drawnAtMs: cardsFirst }];
    if (drawing?.of !== of || drawing.detail !== detail) return [{ region, of, detail, drawnAtMs: -1 }];
    if (drawing.sight !== key) return [{ region, of, detail, drawnAtMs: 0 }];
    const isDue = nowMs - drawing.drawnAtMs >= (detail === 'full' ? fullMs : namesRedrawMs);
    return isDue ? [{ region, of, detail, drawnAtMs: drawing.drawnAtMs }] : [];
  });
}

interface CardsProps {
  readonly drawing: Drawing;
  readonly store: Store;
}

export function RegionCards({ drawing: { region, detail, scale, nowMs }, store }: CardsProps) {
  return (
    <g>
      {region.cards.map(({ card, place }) => (
        <CardView
          key={card.key}
          card={card}
          place={place}
          nowMs={nowMs}
          detail={detail}
          scale={scale}
          isSelected={store.state.selectedCard === card.key}
          onSelect={() => store.select({ card: card.key })}
        />
      ))}
    </g>
  );
}
