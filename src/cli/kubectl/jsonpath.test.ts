import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { renderJsonPath } from './jsonpath.ts';

const pods = {
  items: [
    {
      metadata: { name: 'a', labels: { 'k8s-app': 'x', 'a.b/c': 'y' } },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    },
    { metadata: { name: 'b' }, status: { ports: [1, 2] } },
  ],
};

for (const { template, expected } of [
  { template: '{.items[0].metadata.name}', expected: 'a' },
  { template: '{.items[-1].metadata.name}', expected: 'b' },
  { template: '{.items[9].metadata.name}', expected: '' },
  { template: '{$.items[*].metadata.name}', expected: 'a b' },
  { template: '{items[*].status.ports[*]}', expected: '1 2' },
  { template: '{.items[1].status}', expected: '{"ports":[1,2]}' },
  { template: "{.items[0].metadata.labels['k8s-app']}", expected: 'x' },
  { template: '{.items[0].metadata.labels.a\\.b/c}', expected: 'y' },
  { template: '{.items[0].status.conditions[?(@.type=="Ready")].status}', expected: 'True' },
  { template: '{.items[0].status.conditions[?(@.type=="Gone")].status}', expected: '' },
  {
    template: '{range .items[*]}{.metadata.name}{"\\t"}{@.status.ports[0]}{"\\n"}{end}done',
    expected: 'a\t\nb\t1\ndone',
  },
  { template: '{.toString}', expected: '' },
]) {
  test(template, () => assert.equal(renderJsonPath(template, pods), expected));
}

for (const template of ['{.a', '{range .items[*]}x', '{.a[?(@.b>1)]}', '{.a[}']) {
  test(`refused: ${template}`, () => assert.throws(() => renderJsonPath(template, pods), Failure));
}
