import { type Box, cardWidth } from './layout.ts';

export interface Curve {
  /** The `d` of an SVG path. */
  readonly d: string;
  readonly label: { readonly x: number; readonly y: number };
}

/**
 * The arrow from a card to a point at the height `toY` of another one. It leaves and arrives at the sides that face each other;
 * `labelAt` says where along the way the label stands, 0 to 1.
 */
export function curveBetween(from: Box, to: Box, toY: number, labelAt: number): Curve {
  const fromY = from.y + 24;
  const leftToRight = to.x >= from.x + cardWidth;
  const rightToLeft = from.x >= to.x + cardWidth;
  const x1 = rightToLeft ? from.x : from.x + cardWidth;
  const x2 = leftToRight ? to.x : to.x + cardWidth;
  const bend = leftToRight || rightToLeft ? Math.max(40, Math.abs(x2 - x1) / 2) : 70;
  const c1 = rightToLeft ? x1 - bend : x1 + bend;
  const c2 = leftToRight ? x2 - bend : x2 + bend;
  const at = (a: number, b: number, c: number, d: number): number => {
    const rest = 1 - labelAt;
    return rest ** 3 * a + 3 * rest ** 2 * labelAt * b + 3 * rest * labelAt ** 2 * c + labelAt ** 3 * d;
  };
  return {
    d: `M${x1},${fromY} C${c1},${fromY} ${c2},${toY} ${x2},${toY}`,
    label: { x: at(x1, c1, c2, x2), y: at(fromY, fromY, toY, toY) },
  };
}
