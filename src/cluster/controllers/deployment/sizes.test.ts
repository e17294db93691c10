import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { currentSize, oldSizes, proportionalSizes, resolveFenceposts, type SetSize, sum } from './sizes.ts';

for (const { surge, unavailable, replicas, expected } of [
  { surge: undefined, unavailable: undefined, replicas: 4, expected: [1, 1] },
  { surge: undefined, unavailable: undefined, replicas: 1, expected: [1, 0] },
  { surge: '25%', unavailable: '25%', replicas: 10, expected: [3, 2] },
  { surge: 0, unavailable: 0, replicas: 3, expected: [0, 1] },
  { surge: 0, unavailable: '10%', replicas: 3, expected: [0, 1] },
  { surge: 2, unavailable: 9, replicas: 3, expected: [2, 3] },
  { surge: 'many', unavailable: 1, replicas: 3, expected: [0, 1] },
]) {
  test(`maxSurge ${surge}, maxUnavailable ${unavailable} of ${replicas}`, () => {
    const { maxSurge, maxUnavailable } = resolveFenceposts(surge, unavailable, replicas);
    assert.deepEqual([maxSurge, maxUnavailable], expected);
  });
}

const set = (name: string, wanted: number, available = wanted): SetSize => ({
  name,
  wanted,
  available,
  present: wanted,
});

test('unhealthy old replicas go before healthy ones', () => {
  const old = [set('healthy', 3), set('broken', 2, 0)];
  const sizes = oldSizes({ replicas: 5, maxSurge: 1, maxUnavailable: 2, current: set('new', 1, 0), old });
  assert.deepEqual(
    [...sizes],
    [
      ['healthy', 3],
      ['broken', 0],
    ],
  );
});

test('any rollout ends, within its bounds at every step', () => {
  const facts = fc.record({
    replicas: fc.integer({ min: 0, max: 12 }),
    surge: fc.integer({ min: 0, max: 5 }),
    unavailable: fc.integer({ min: 0, max: 5 }),
    split: fc.integer({ min: 0, max: 12 }),
  });
  fc.assert(
    fc.property(facts, ({ replicas, surge, unavailable, split }) => {
      const { maxSurge, maxUnavailable } = resolveFenceposts(surge, unavailable, replicas);
      const first = Math.min(split, replicas);
      let old = [set('first', first), set('second', replicas - first)];
      let current = set('new', 0);
      for (let step = 0; current.wanted < replicas || sum(old, ({ wanted }) => wanted) > 0; step++) {
        assert.ok(step < 100, 'the rollout does not end');
        const input = { replicas, maxSurge, maxUnavailable, current, old };
        const next = currentSize(input);
        // New pods become available one step after they were asked for.
        if (next !== current.wanted) current = set('new', next, current.available);
        else {
          const sizes = oldSizes(input);
          old = old.map(({ name }) => set(name, sizes.get(name) ?? 0));
        }
        const total = current.wanted + sum(old, ({ wanted }) => wanted);
        const available = current.available + sum(old, (one) => one.available);
        assert.ok(total <= replicas + maxSurge, `${total} pods`);
        assert.ok(available >= replicas - maxUnavailable, `${available} available`);
        if (next === current.wanted) current = set('new', current.wanted);
      }
    }),
  );
});

test('shares add up', () => {
  const sets = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(sets, fc.integer({ min: 0, max: 50 }), (wanted, total) => {
      const sizes = proportionalSizes(
        wanted.map((size, index) => set(String(index), size)),
        total,
      );
      const shared = [...sizes.values()].reduce((all, size) => all + size, 0);
      assert.equal(shared, wanted.some((size) => size > 0) ? total : 0);
    }),
  );
});
