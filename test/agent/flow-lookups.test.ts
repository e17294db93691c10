import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flowLookups } from '../../src/agent/flow-lookups.ts';
import type { FlowLookups } from '../../src/hubble/index.ts';
import { plan } from '../../src/plan/index.ts';
import { cnp, egress, get, ingress, knp } from '../../src/plan/test-support/policies.ts';
import { client, echoSame, walkthroughWorld } from '../../src/plan/test-support/walkthrough.ts';
import { podAddress } from '../../src/plan/test-support/world.ts';

type Question = Parameters<FlowLookups['closing']>[0];

const [clientAddress, echoAddress] = [podAddress(client), podAddress(echoSame)];
const asked = (question: Partial<Question>): Question => ({
  endpoint: clientAddress,
  direction: 'egress',
  peer: echoAddress,
  protocol: 'tcp',
  port: 8080,
  ...question,
});

/** Policies, what was refused, and the policies and places that keep it closed. */
const rows: readonly (readonly [what: string, policies: readonly object[], Question, closing: readonly string[]])[] = [
  ['no policy', [], asked({}), []],
  [
    'rules that sent a request to the proxy, and not what merely isolates',
    [egress({ toPorts: get('/a') }), cnp({ endpointSelector: {}, egress: [{ toEntities: ['host'] }] }, 'q')],
    asked({}),
    ['p spec.egress[0].toPorts[0]'],
  ],
  [
    'another port: what isolates',
    [egress({ toPorts: get('/a') }), cnp({ endpointSelector: {}, egress: [{ toEntities: ['host'] }] }, 'q')],
    asked({ port: 81 }),
    ['p spec', 'q spec'],
  ],
  ['the other direction', [ingress({ toPorts: get('/a') })], asked({}), []],
  [
    'ingress is isolated by a NetworkPolicy',
    [knp({ podSelector: {}, policyTypes: ['Ingress'] })],
    asked({ endpoint: echoAddress, direction: 'ingress', peer: clientAddress, protocol: 'icmp', port: 8 }),
    ['k spec'],
  ],
  [
    'rules that leave their subject open isolate nothing',
    [cnp({ endpointSelector: {}, enableDefaultDeny: { egress: false }, egress: [{ toEntities: ['host'] }] })],
    asked({ port: 81 }),
    [],
  ],
  ['what is no endpoint', [egress({ toPorts: get('/a') })], asked({ endpoint: '8.8.8.8' }), []],
];

for (const [what, policies, question, closing] of rows) {
  test(`what keeps it closed: ${what}`, () => {
    const world = walkthroughWorld({ policies });
    const facts = { endpointId: () => 0, namesOf: () => [], policyRevision: 1 };
    const lookups = flowLookups(world, plan(world), facts);
    const named = lookups.closing(question).map((key) => {
      const rule = lookups.rule(key);
      return `${rule?.name} ${rule?.path}`;
    });
    assert.deepEqual(named.sort(), closing);
  });
}

test('hundreds of policies that isolate an endpoint are not all named in a flow', () => {
  const policies = Array.from({ length: 300 }, (_, at) =>
    cnp({ endpointSelector: {}, egress: [{ toEntities: ['host'] }] }, `p${at}`),
  );
  const world = walkthroughWorld({ policies });
  const lookups = flowLookups(world, plan(world), { endpointId: () => 0, namesOf: () => [], policyRevision: 1 });
  assert.equal(lookups.closing(asked({})).length, 8);
});
