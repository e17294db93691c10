import type { Card, Edge, ServiceMap } from './aggregate.ts';
import { type Box, cardWidth, type Layout, type Place } from './layout.ts';

/** Height of a region. Its width is that of a column of cards. */
const regionHeight = 900;
/** Below this scale texts of the size that cards have cannot be read. */
const leastReadableScale = 0.45;
/** Room around what is in sight that is drawn in full as well, so that moving the map shows no gaps. */
const spare = 300;
/** Pixels that a character takes of a name on a map that is too small for full cards, and how many a name gets at least. */
const namePixels = 6.4;
const leastCharacters = 4;

export interface PlacedCard {
  readonly card: Card;
  readonly place: Place;
}

/** A part of the map that is drawn at once: some cards above each other, and the arrows that begin there. */
export interface Region {
  readonly key: string;
  readonly box: Box;
  readonly cards: readonly PlacedCard[];
  readonly edges: readonly Edge[];
}

/** What of the map is on the screen. */
export interface Sight {
  /** Pixels of a unit of the map. */
  readonly scale: number;
  readonly box: Box;
}

/** Regions from left to right and from top to bottom, and so their cards. A card never changes its region while its place stays. */
export function regionsOf({ cards, edges }: ServiceMap, { places }: Layout): Region[] {
  const regions = new Map<string, { x: number; row: number; cards: PlacedCard[]; edges: Edge[] }>();
  const regionOf = ({ x, y }: Place) => {
    const row = Math.floor(y / regionHeight);
    const key = `${x} ${row}`;
    const known = regions.get(key);
    if (known) return known;
    const fresh = { x, row, cards: [], edges: [] };
    regions.set(key, fresh);
    return fresh;
  };
  for (const card of cards.values()) {
    const place = places.get(card.key);
    if (place) regionOf(place).cards.push({ card, place });
  }
  for (const edge of edges.values()) {
    const place = places.get(edge.from);
    if (place) regionOf(place).edges.push(edge);
  }
  const ordered = [...regions].sort(([, a], [, b]) => a.x - b.x || a.row - b.row);
  return ordered.map(([key, region]) => {
    const placed = region.cards.sort((a, b) => a.place.y - b.place.y);
    const bottom = Math.max(...placed.map(({ place }) => place.y + place.height));
    const y = placed[0]?.place.y ?? 0;
    return { key, box: { x: region.x, y, width: cardWidth, height: bottom - y }, cards: placed, edges: region.edges };
  });
}

/** Whether cards and words have the size to be read; otherwise names are drawn larger than the map and the rest is left out. */
export function isReadable({ scale }: Sight): boolean {
  return scale >= leastReadableScale;
}

/** How much of a card is drawn: all of it, or its name in a size that can be read on a small map. */
export type Detail = 'full' | 'names';

export function detailOf({ box }: Region, sight: Sight): Detail {
  return isReadable(sight) && isInSight(box, sight) ? 'full' : 'names';
}

/** Whether a box is on the screen or near it. */
export function isInSight(box: Box, { box: seen }: Sight): boolean {
  return (
    box.x < seen.x + seen.width + spare &&
    box.x + box.width > seen.x - spare &&
    box.y < seen.y + seen.height + spare &&
    box.y + box.height > seen.y - spare
  );
}

/** Characters of a name that fit into `width` units of the map, where names are drawn larger than the map. */
export function charactersIn(width: number, scale: number): number {
  return Math.max(leastCharacters, Math.floor((width * scale) / namePixels));
}

/** Changes when the map has been moved or zoomed so far that other parts of it have to be drawn. */
export function sightKey(sight: Sight): string {
  const { scale, box } = sight;
  if (!isReadable(sight)) return `names ${charactersIn(1_000, scale)}`;
  const step = (value: number): number => Math.floor((2 * value) / spare);
  return `full ${step(box.x)} ${step(box.y)} ${step(box.x + box.width)} ${step(box.y + box.height)}`;
}

/** Costs of drawing, in cards that show their name only. */
const costs = { full: 4, names: 1, edge: 0.5 };

/** What a frame draws, in those costs: again, and of what is not there yet or shows what is no more. */
export interface Budget {
  readonly again: number;
  readonly anew: number;
}

/** What is drawn now of `waiting`, the longest waiting first: as much as the budget allows, at least one. `drawnAtMs` is below 0 for what has to be drawn anew. */
export function chooseDue<T extends { readonly region: Region; readonly detail: Detail; readonly drawnAtMs: number }>(
  waiting: readonly T[],
  budget: Budget,
): T[] {
  let rest = waiting.some(({ drawnAtMs }) => drawnAtMs < 0) ? budget.anew : budget.again;
  const due: T[] = [];
  for (const each of [...waiting].sort((a, b) => a.drawnAtMs - b.drawnAtMs)) {
    if (rest <= 0) break;
    rest -= each.region.cards.length * costs[each.detail] + each.region.edges.length * costs.edge;
    due.push(each);
  }
  return due;
}
