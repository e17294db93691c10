import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterOf, filterWithout } from './filters.ts';
import type { Party } from './flow.ts';

const party = (namespace: string, title: string, kind: string): Party => ({
  key: `${namespace}/${title}`,
  namespace,
  title,
  kind,
});

const cases: readonly { readonly party: Party; readonly only: string | undefined; readonly without: string }[] = [
  {
    party: party('shop', 'web', 'Deployment'),
    only: '--workload web --namespace shop',
    without: `--denylist '{"source_pod":["shop/"],"source_workload":[{"name":"web"}]}{"destination_pod":["shop/"],"destination_workload":[{"name":"web"}]}'`,
  },
  {
    party: party('shop', 'web', 'Service'),
    only: '--service shop/web',
    without: `--denylist '{"source_service":["shop/web"]}{"destination_service":["shop/web"]}'`,
  },
  {
    party: party('', 'remote node', 'node'),
    only: '--identity 6',
    without: `--denylist '{"source_identity":[6]}{"destination_identity":[6]}'`,
  },
  {
    party: party('', 'api.example', 'outside'),
    only: '--fqdn api.example',
    without: `--denylist '{"source_fqdn":["api.example"]}{"destination_fqdn":["api.example"]}'`,
  },
];

for (const { party: each, only, without } of cases) {
  test(`${each.kind} ${each.key} has filters`, () => {
    assert.equal(filterOf(each), only);
    assert.equal(filterWithout(each), without);
  });
}

test('what is unknown has no filter', () => assert.equal(filterOf(party('', 'unknown', 'outside')), undefined));
