import assert from 'node:assert/strict';
import { test } from 'node:test';
import { curveBetween } from './curves.ts';
import { placeLabels } from './labels.ts';

const box = (x: number, y: number) => ({ x, y, width: 232, height: 100 });

test('labels of arrows beside each other do not cover each other', () => {
  const curves = new Map([40, 60, 80].map((y) => [`${y}`, curveBetween(box(0, 0), box(500, 0), y)]));
  const points = [...placeLabels(curves, [box(0, 0), box(500, 0)]).values()];
  assert.equal(points.length, 3);
  for (const [index, a] of points.entries()) {
    for (const b of points.slice(index + 1)) {
      assert.ok(Math.abs(a.x - b.x) >= 104 || Math.abs(a.y - b.y) >= 20, `${JSON.stringify([a, b])} overlap`);
    }
  }
});

test('a label moves off a card that its arrow passes behind', () => {
  const curves = new Map([['a', curveBetween(box(0, 0), box(1000, 0), 24)]]);
  const inTheWay = { x: 540, y: 0, width: 150, height: 100 };
  const point = placeLabels(curves, [box(0, 0), inTheWay, box(1000, 0)]).get('a');
  assert.ok(
    point && (point.x + 52 <= inTheWay.x || point.x - 52 >= inTheWay.x + inTheWay.width),
    JSON.stringify(point),
  );
});
