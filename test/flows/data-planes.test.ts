import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { defaultRedaction, noRedaction } from '../../src/hubble/build/redact.ts';
import { loggedHeaders } from '../../src/plan/logged-headers.ts';
import { findEnvoy } from '../conformance/envoy.ts';
import { flowsOf } from './flows.ts';
import { normalAnswer, normalFlow, sayingOf, withNamedHeaders } from './normal.ts';
import { type Played, type PlayedExchange, playAgainst, readRecording } from './played.ts';
import { exchanges } from './table.ts';

/**
 * Each exchange through both data planes, driven by the same plan: flows are the same. What Envoy made of them is recorded
 * (`node test/flows/main.ts --record`); with FLOWS_LIVE=1 a real one is asked again.
 */
const recorded = readRecording();
const live = process.env['FLOWS_LIVE'] === '1' ? findEnvoy(console.error) : undefined;
const others: (readonly [name: string, played: Played])[] = [[`Envoy ${recorded.envoy}, recorded`, recorded]];
let ours: Played;

before(async () => {
  ours = await playAgainst('ciliate-proxy');
  if (live) others.push([`Envoy ${live.version}, live`, await playAgainst(live.program)]);
});

test('both data planes take all resources', () => {
  for (const [name, { resources }] of [['ciliate-proxy', ours] as const, ...others])
    assert.deepEqual(resources, ['accepted'], name);
});

/** Headers that nobody lists: ours logs all, Envoy those that are named. */
const unlisted: Readonly<Record<string, readonly string[]>> = {
  'a header that a rule asks for': ['X-Token'],
  'another header than a rule asks for': ['X-Token'],
  headers: ['X-Custom'],
  'the backend fails': ['X-Reason'],
  retries: ['X-Reason'],
};

/** What no filter before it has let pass, Envoy refuses in its own words. */
const ownWords = new Set(['a route that policy denies']);

for (const { name, says } of exchanges) {
  test(`flows of both data planes: ${name}`, async () => {
    const mine = await flowsOf(of(ours, name).entries, noRedaction);
    assert.equal(sayingOf(mine), says);
    const parts = mine.map(withNamedHeaders);
    assert.deepEqual([...new Set(parts.flatMap(({ dropped }) => dropped))], unlisted[name] ?? []);
    for (const [who, played] of others) {
      const theirs = await flowsOf(of(played, name).entries, noRedaction);
      assert.deepEqual(
        theirs.map(normalFlow),
        parts.map(({ flow }) => normalFlow(flow)),
        who,
      );
      if (ownWords.has(name))
        assert.match(of(played, name).answer, /^HTTP\/1.1 403 Forbidden\r\n[\s\S]*\r\nRBAC: access denied$/);
      else assert.equal(normalAnswer(of(played, name)), normalAnswer(of(ours, name)), who);
    }
  });
}

test('secrets stay out of the flows of both', async () => {
  for (const [who, played] of [['ciliate-proxy', ours] as const, ...others]) {
    const flows = await Promise.all(Object.values(played.exchanges).map(({ entries }) => flowsOf(entries)));
    const text = JSON.stringify(flows, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    assert.match(text, /HUBBLE_REDACTED/, who);
    assert.deepEqual(text.match(/SECRET-(?!QUERY)\w+/g), null, who);
  }
});

test('what flows show of headers, Envoy is asked for', () => {
  // Those with fields of their own, and the URL's host and scheme.
  const told = ['user-agent', 'x-forwarded-for', 'x-request-id', 'host', 'x-forwarded-proto'];
  const asked = new Set([...loggedHeaders.request, ...loggedHeaders.response, ...told]);
  assert.deepEqual(
    [...defaultRedaction.httpHeaders.names].filter((name) => !asked.has(name)),
    [],
  );
});

function of({ exchanges: played }: Played, name: string): PlayedExchange {
  const found = played[name];
  assert.ok(found, `"${name}" was not played`);
  return found;
}
