import { type Box, cardWidth } from './layout.ts';

/** The two ends of an arrow and the points that bend it. */
export interface CurvePoints {
  readonly x1: number;
  readonly y1: number;
  readonly c1: number;
  readonly c2: number;
  readonly x2: number;
  readonly y2: number;
}

/** The arrow from a card to a point at the height `toY` of another one. It leaves and arrives at the sides that face each other. */
export function curveBetween(from: Box, to: Box, toY: number): CurvePoints {
  const leftToRight = to.x >= from.x + cardWidth;
  const rightToLeft = from.x >= to.x + cardWidth;
  const x1 = rightToLeft ? from.x : from.x + cardWidth;
  const x2 = leftToRight ? to.x : to.x + cardWidth;
  const bend = leftToRight || rightToLeft ? Math.max(40, Math.abs(x2 - x1) / 2) : 70;
  return {
    x1,
    y1: from.y + 24,
    c1: rightToLeft ? x1 - bend : x1 + bend,
    c2: leftToRight ? x2 - bend : x2 + bend,
    x2,
    y2: toY,
  };
}

/** The `d` of an SVG path. */
export function pathData({ x1, y1, c1, c2, x2, y2 }: CurvePoints): string {
  return `M${x1},${y1} C${c1},${y1} ${c2},${y2} ${x2},${y2}`;
}

/** The point at a part of the way, 0 to 1. */
export function pointAt(
  { x1, y1, c1, c2, x2, y2 }: CurvePoints,
  at: number,
): { readonly x: number; readonly y: number } {
  const rest = 1 - at;
  const between = (a: number, b: number, c: number, d: number): number =>
    rest ** 3 * a + 3 * rest ** 2 * at * b + 3 * rest * at ** 2 * c + at ** 3 * d;
  return { x: between(x1, c1, c2, x2), y: between(y1, y1, y2, y2) };
}
