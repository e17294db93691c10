import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CardToPlace, emptyLayout, extendLayout, type Layout, type Link, type Place } from './layout.ts';

const card = (key: string, rows = 2): CardToPlace => ({ key, namespace: key.split('/')[0] ?? '', rows });
const links = (...texts: string[]): Link[] =>
  texts.map((text) => {
    const [from = '', to = ''] = text.split('>');
    return { from, to };
  });

function placeOf(layout: Layout, key: string): Place {
  const place = layout.places.get(key);
  assert.ok(place, `${key} has no place`);
  return place;
}

function assertApart(layout: Layout, width: number): void {
  const places = [...layout.places.entries()];
  for (const [a, first] of places) {
    for (const [b, second] of places) {
      if (a >= b) continue;
      const apart =
        first.x + width <= second.x ||
        second.x + width <= first.x ||
        first.y + first.height <= second.y ||
        second.y + second.height <= first.y;
      assert.ok(apart, `${a} and ${b} overlap`);
    }
  }
}

test('clients stand left of their servers, inside a namespace and between namespaces', () => {
  const cards = ['shop/web', 'shop/cart', 'bank/ledger', '/world', '/api.example'].map((key) => card(key));
  const layout = extendLayout(
    emptyLayout,
    cards,
    links('/world>shop/web', 'shop/web>shop/cart', 'shop/cart>bank/ledger', 'bank/ledger>/api.example'),
  );
  const xs = ['/world', 'shop/web', 'shop/cart', 'bank/ledger', '/api.example'].map((key) => placeOf(layout, key).x);
  assert.deepEqual(
    [...xs].sort((a, b) => a - b),
    xs,
  );
  assert.equal(new Set(xs).size, 5);
});

test('a circle of calls is placed', () => {
  const cards = ['a/x', 'a/y', 'b/z'].map((key) => card(key));
  const layout = extendLayout(emptyLayout, cards, links('a/x>a/y', 'a/y>a/x', 'a/y>b/z', 'b/z>a/x'));
  assert.equal(layout.places.size, 3);
  assertApart(layout, 232);
});

test('what is placed stays where it is while cards come one by one, and nothing overlaps', () => {
  const namespaces = ['a', 'b', 'c', ''];
  const cards: CardToPlace[] = [];
  const known: Link[] = [];
  let layout = emptyLayout;
  for (let index = 0; index < 60; index++) {
    const key = `${namespaces[(index * 7) % 4]}/w${index}`;
    cards.push(card(key, index % 6));
    if (index > 0) known.push({ from: cards[(index * 5) % index]?.key ?? key, to: key });
    const before = layout;
    layout = extendLayout(before, cards, known);
    for (const [placed, place] of before.places) assert.equal(layout.places.get(placed), place);
    assert.equal(layout.places.size, cards.length);
    assertApart(layout, 232);
  }
  assert.equal(extendLayout(layout, cards, known), layout);
});

test('a card stands on a plate of its own namespace', () => {
  const cards = Array.from({ length: 40 }, (_, index) => card(`${'abc'[index % 3]}/w${index}`, index % 5));
  const layout = cards.reduce(
    (before, _, index) => extendLayout(before, cards.slice(0, index + 1), []),
    emptyLayout as Layout,
  );
  for (const [key, place] of layout.places) {
    const plate = layout.plates.find(
      ({ group, x, y, width, height }) =>
        group === place.group &&
        place.x >= x &&
        place.x < x + width &&
        place.y >= y &&
        place.y + place.height <= y + height,
    );
    assert.ok(plate, `${key} stands on no plate of ${place.group}`);
  }
});

test('a long chain of calls stays on a map that can be seen', () => {
  const cards = Array.from({ length: 120 }, (_, index) => card(`n${Math.floor(index / 12)}/w${index}`));
  const chain = cards.slice(1).map(({ key }, index) => ({ from: cards[index]?.key ?? '', to: key }));
  const layout = extendLayout(emptyLayout, cards, chain);
  assertApart(layout, 232);
  assert.ok(layout.stages.length <= 6 && Math.max(...layout.stages) <= 4, JSON.stringify(layout.stages));
  assert.ok(placeOf(layout, 'n0/w0').x < placeOf(layout, 'n9/w119').x);
});
