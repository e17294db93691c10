import type { CurvePoints } from './curves.ts';
import { pointAt } from './curves.ts';
import type { Box } from './layout.ts';

/** Places along an arrow that a label may take, 0 to 1, the best first. */
const candidates = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];
/** Room that is kept for a label, whatever it says at the moment, so that it does not jump as its words change. */
const labelWidth = 104;
const labelHeight = 20;
/** More labels than these all take the best place: looking for free ones would take too long. */
const mostSorted = 200;

/** Where the label of each curve stands: on its curve, off the cards and off the labels before it where that is possible. */
export function placeLabels(
  curves: ReadonlyMap<string, CurvePoints>,
  cards: readonly Box[],
): ReadonlyMap<string, { readonly x: number; readonly y: number }> {
  const places = new Map<string, { readonly x: number; readonly y: number }>();
  const taken: Box[] = [];
  for (const [key, curve] of curves) {
    let best = pointAt(curve, 0.5);
    let least = Number.POSITIVE_INFINITY;
    for (const at of curves.size > mostSorted ? [] : candidates) {
      const point = pointAt(curve, at);
      const box = boxAround(point);
      const cost = 3 * covered(box, taken) + covered(box, cards);
      if (cost < least) [best, least] = [point, cost];
      if (least === 0) break;
    }
    taken.push(boxAround(best));
    places.set(key, best);
  }
  return places;
}

function boxAround({ x, y }: { readonly x: number; readonly y: number }): Box {
  return { x: x - labelWidth / 2, y: y - labelHeight / 2, width: labelWidth, height: labelHeight };
}

/** Area of a box that others cover. */
function covered(box: Box, others: readonly Box[]): number {
  let area = 0;
  for (const other of others) {
    const width = Math.min(box.x + box.width, other.x + other.width) - Math.max(box.x, other.x);
    const height = Math.min(box.y + box.height, other.y + other.height) - Math.max(box.y, other.y);
    if (width > 0 && height > 0) area += width * height;
  }
  return area;
}
