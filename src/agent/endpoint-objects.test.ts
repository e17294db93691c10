import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../base/index.ts';
import type { KubeClient } from '../kube/index.ts';
import type { LocalEndpoint, PolicyConflict } from '../plan/index.ts';
import { createEndpointObjects } from './endpoint-objects.ts';

const log = createLogger('endpoint-objects-test');
log.level = 'silent';

interface Written {
  readonly status: { readonly log?: readonly { readonly code: string; readonly message: string }[] };
}

const endpoint = (podName: string, address: string): LocalEndpoint => ({
  address,
  interfaceName: 'lxc1',
  namespace: 'shop',
  podName,
  identity: 1234,
  enforceIngress: true,
  enforceEgress: false,
});
const rule = (name: string, path: string) =>
  ({ kind: 'CiliumNetworkPolicy', namespace: 'shop', name, path, labels: [] }) as const;
const conflict: PolicyConflict = {
  rules: [rule('a', 'spec.egress[0].toPorts[0]'), rule('b', 'spec.egress[1].toPorts[0]')],
  message: 'cannot merge conflicting L7 parsers (http/dns)',
  endpoints: new Set(['shop/cart']),
};

test('an endpoint tells of the rules for it that cannot be merged, as long as they cannot', async () => {
  const written = new Map<string, Written>();
  const client = {
    patch: async ({ name }: { name: string }, object: Written) => {
      written.set(name, object);
      return { ok: true, value: {} };
    },
  } as unknown as KubeClient;
  const podOf = (namespace: string, name: string) => ({ metadata: { namespace, name, uid: name } });
  const objects = createEndpointObjects({ client, nodeAddress: '172.30.0.1', podOf, log });
  const endpoints = [endpoint('cart', '10.244.1.2'), endpoint('web', '10.244.1.3')];
  const write = async (conflicts: readonly PolicyConflict[]) => {
    written.clear();
    await objects.write({ datapath: { endpoints }, identities: new Map(), conflicts });
    return new Map([...written].map(([name, { status }]) => [name, status.log?.map((one) => Object.values(one))]));
  };
  const message =
    'CiliumNetworkPolicy shop/a spec.egress[0].toPorts[0]: cannot merge conflicting L7 parsers (http/dns) with CiliumNetworkPolicy shop/b spec.egress[1].toPorts[0]';
  assert.deepEqual(
    await write([conflict]),
    new Map([
      ['cart', [['failed', message, 'ready']]],
      ['web', undefined],
    ]),
  );
  assert.deepEqual(await write([conflict]), new Map());
  assert.deepEqual(await write([]), new Map([['cart', undefined]]));
});
