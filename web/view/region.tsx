import { Component, type ComponentChildren } from 'preact';
import { useEffect, useMemo, useReducer } from 'preact/hooks';
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
/** What a frame draws again, in cards that show their name only. */
const budget = 48;

/** A region as it is shown until it is drawn again. */
export interface Drawing {
  readonly region: Region;
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

/** The regions of the map as they are drawn. Each frame only some of them are drawn again, so that no frame of a large map takes long. */
export function useDrawings(store: Store, sight: Sight): Drawing[] {
  const { state } = store;
  const { layout, map, shape, selectedCard } = state;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const plan = useMemo(() => planEdges(state), [layout, map, shape]);
  const regions = useMemo(() => regionsOf(map, layout), [layout, map, shape]);
  const drawings = useMemo(() => new Map<string, Drawing>(), [layout, map, selectedCard]);
  const nowMs = performance.now();
  const key = sightKey(sight);
  const fullMs = map.edges.size > manyArrows ? largeRedrawMs : redrawMs;
  const waiting = regions.flatMap((region) => {
    const detail = detailOf(region, sight);
    const drawing = drawings.get(region.key);
    if (drawing?.detail !== detail) return [{ region, detail, drawnAtMs: -1 }];
    if (drawing.sight !== key) return [{ region, detail, drawnAtMs: 0 }];
    const isDue = nowMs - drawing.drawnAtMs >= (detail === 'full' ? fullMs : namesRedrawMs);
    return isDue ? [{ region, detail, drawnAtMs: drawing.drawnAtMs }] : [];
  });
  const due = chooseDue(waiting, budget);
  for (const { region, detail } of due) {
    const edges = drawEdges(region.edges, store, plan, store.nowMs());
    const isLabelled = ({ label }: DrawnEdge): boolean => isInSight({ ...label, width: 0, height: 0 }, sight);
    const labelled = isReadable(sight) ? edges.filter(isLabelled) : [];
    const { scale } = sight;
    const shown = { region, detail, drawnAtMs: nowMs, sight: key, scale, nowMs: store.nowMs(), edges, labelled };
    drawings.set(region.key, shown);
  }
  const isBehind = due.length < waiting.length;
  useEffect(() => {
    if (!isBehind) return;
    const asked = requestAnimationFrame(() => redraw(undefined as never));
    return () => cancelAnimationFrame(asked);
  });
  return regions.flatMap((region) => drawings.get(region.key) ?? []);
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
