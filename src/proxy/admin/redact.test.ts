import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted } from './redact.ts';

test('values that are marked as sensitive are not shown, wherever they stand', () => {
  const actions = (value: (text: string) => string) => ({
    '@type': 'type.googleapis.com/ciliate.rbac.v3.HeaderActions',
    headers: [
      { name: 'a', value: value('hidden'), sensitive: true },
      { name: 'b', value: 'shown' },
    ],
  });
  const dump = (config: object) => ({ list: [{ inner: { typed_config: config }, sensitive: true, value: 'other' }] });
  assert.deepEqual(redacted(dump(actions((text) => text)) as never), dump(actions(() => '[redacted]')));
});
