import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Card, Edge, ServiceMap } from './aggregate.ts';
import type { Box, Layout } from './layout.ts';
import { charactersIn, chooseDue, detailOf, type Region, regionsOf, sightKey } from './regions.ts';

const places: Layout['places'] = new Map(
  Object.entries({ a: [0, 0], b: [0, 200], c: [0, 950], d: [356, 40], e: [356, -120] }).map(([key, [x = 0, y = 0]]) => [
    key,
    { x, y, height: 90, rows: 2, group: 'shop', column: 0 },
  ]),
);
const cards = new Map([...places.keys(), 'unplaced'].map((key) => [key, { key } as Card]));
const edge = (from: string, to: string): [string, Edge] => [
  `${from}>${to}`,
  { key: `${from}>${to}`, from, to } as Edge,
];
const map = {
  cards,
  edges: new Map([edge('a', 'd'), edge('b', 'd'), edge('c', 'e'), edge('unplaced', 'a')]),
} as unknown as ServiceMap;
const regions = regionsOf(map, { places } as Layout);

test('regions hold each placed card once, in reading order, and the arrows that begin there', () => {
  assert.deepEqual(
    regions.map(({ cards: held, edges }) => [
      held.map(({ card }) => card.key).join(' '),
      edges.map(({ key }) => key).join(' '),
    ]),
    [
      ['a b', 'a>d b>d'],
      ['c', 'c>e'],
      ['e', ''],
      ['d', ''],
    ],
  );
  for (const { box, cards: held } of regions) {
    for (const { place } of held) {
      assert.ok(place.x === box.x && place.y >= box.y && place.y + place.height <= box.y + box.height);
    }
  }
});

const sight = (scale: number, box: Partial<Box> = {}) => ({
  scale,
  box: { x: 0, y: 0, width: 800, height: 400, ...box },
});

test('cards are drawn in full where they are in sight or near it and have a size to be read', () => {
  const details = (of: ReturnType<typeof sight>) => regions.map((region) => detailOf(region, of)).join(' ');
  assert.equal(details(sight(1)), 'full names full full');
  assert.equal(details(sight(1, { y: 600 })), 'names full names names');
  assert.equal(details(sight(0.44)), 'names names names names');
});

test('on a small map a name gets the characters that fit, and never none', () => {
  assert.deepEqual([charactersIn(340, 1), charactersIn(340, 0.3), charactersIn(340, 0.01)], [53, 15, 4]);
});

test('what is in sight changes its key when other parts have to be drawn, not with every pixel', () => {
  assert.equal(sightKey(sight(1)), sightKey(sight(1, { x: 10 })));
  assert.notEqual(sightKey(sight(1)), sightKey(sight(1, { x: 700 })));
  assert.equal(sightKey(sight(0.3)), sightKey(sight(0.3, { x: 700 })));
  assert.notEqual(sightKey(sight(0.3)), sightKey(sight(0.2)));
});

test('a frame draws those that wait longest as far as the budget goes, at least one, and has more for what is new', () => {
  const region = (key: string, count: number) =>
    ({ key, cards: Array(count).fill({}), edges: [] }) as unknown as Region;
  const waiting = [
    { region: region('late', 10), detail: 'names', drawnAtMs: 300 },
    { region: region('early', 10), detail: 'full', drawnAtMs: 100 },
    { region: region('new', 50), detail: 'names', drawnAtMs: -1 },
    { region: region('newer', 50), detail: 'full', drawnAtMs: -1 },
  ] as const;
  const drawn = (of: readonly (typeof waiting)[number][], again: number, anew: number) =>
    chooseDue(of, { again, anew })
      .map((one) => one.region.key)
      .join(' ');
  assert.equal(drawn(waiting, 1_000, 1), 'new');
  assert.equal(drawn(waiting, 1, 51), 'new newer');
  assert.equal(drawn(waiting, 1, 251), 'new newer early');
  assert.equal(drawn(waiting, 1, 1_000), 'new newer early late');
  assert.equal(drawn(waiting.slice(0, 2), 1, 1_000), 'early');
});
