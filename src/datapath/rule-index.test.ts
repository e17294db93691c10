import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketEvent } from '../model/flow/index.ts';
import type { PolicyEntry } from '../plan/index.ts';
import { createRuleIndex } from './rule-index.ts';
import { plainPlan } from './testing/world.ts';

const entry = (rest: Partial<PolicyEntry>): PolicyEntry => ({
  endpoint: '10.244.1.10',
  direction: 'egress',
  peer: 0,
  protocol: 'tcp',
  port: 80,
  action: 'allow',
  rules: ['port'],
  ...rest,
});
const policy: readonly PolicyEntry[] = [
  entry({}),
  entry({ peer: 400, rules: ['peer and port', 'again'] }),
  entry({ peer: 400, protocol: 'any', port: 0, rules: ['peer'] }),
  entry({ port: 8000, portEnd: 8100, action: 'redirect', proxyPort: 10_000, rules: ['proxy'] }),
  entry({ peer: 500, protocol: 'any', port: 0, action: 'deny', rules: ['not 500'] }),
  entry({ protocol: 'icmp', port: 8, rules: ['ping'] }),
  entry({ endpoint: '10.244.1.11', rules: ['another endpoint'] }),
];
const index = createRuleIndex({
  ...plainPlan(1, { policy }),
  ipcache: [
    { cidr: '10.244.2.0/24', identity: 400 },
    { cidr: '10.244.1.50/32', identity: 500 },
  ],
});

function packet(destination: string, protocol: number, transport: readonly number[]): Uint8Array {
  const ip = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 244, 1, 10, ...destination.split('.').map(Number)];
  return Uint8Array.from([...ip, ...transport]);
}
const tcp = (destination: string, port: number) => packet(destination, 6, [0, 99, port >> 8, port & 255]);

type Case = readonly [what: string, event: Partial<PacketEvent>, rules: readonly string[] | undefined];
const cases: readonly Case[] = [
  ['peer and port', { matchType: 2, packet: tcp('10.244.2.1', 80) }, ['peer and port', 'again']],
  ['the port alone', { matchType: 3, packet: tcp('10.244.2.1', 80) }, ['port']],
  ['the peer alone', { matchType: 1, packet: tcp('10.244.2.1', 80) }, ['peer']],
  [
    'all of them without a way of matching',
    { packet: tcp('10.244.2.1', 80) },
    ['port', 'peer and port', 'again', 'peer'],
  ],
  ['an address of the world', { matchType: 3, packet: tcp('8.8.8.8', 80) }, ['port']],
  ['a redirect', { verdict: 'redirected', matchType: 3, packet: tcp('8.8.8.8', 8080) }, ['proxy']],
  ['what the proxy sends', { matchType: 3, packet: tcp('8.8.8.8', 8080) }, ['proxy']],
  ['a denial', { verdict: 'denied', matchType: 1, packet: tcp('10.244.1.50', 80) }, ['not 500']],
  ['what audit mode lets pass', { verdict: 'audited', matchType: 1, packet: tcp('10.244.1.50', 80) }, ['not 500']],
  ['its drop', { kind: 'drop', dropReason: 181, packet: tcp('10.244.1.50', 80) }, ['not 500']],
  ['default deny', { verdict: 'denied', matchType: 0, packet: tcp('10.244.1.50', 80) }, undefined],
  ['its drop', { kind: 'drop', dropReason: 133, packet: tcp('10.244.1.50', 80) }, undefined],
  ['an ICMP type', { matchType: 3, packet: packet('8.8.8.8', 1, [8, 0]) }, ['ping']],
  ['another ICMP type', { matchType: 3, packet: packet('8.8.8.8', 1, [13, 0]) }, undefined],
  ['a protocol without ports', { matchType: 1, packet: packet('10.244.2.1', 47, [0, 80, 0, 80]) }, ['peer']],
  ['a packet cut after its IP header', { matchType: 1, packet: packet('10.244.2.1', 6, []) }, ['peer']],
];

for (const [what, event, expected] of cases) {
  test(`the rules behind ${what}`, () => {
    const whole = { kind: 'policy-verdict', verdict: 'allowed', direction: 'egress', timeNs: 0n, ...event } as const;
    assert.deepEqual(index.rulesOf(whole as PacketEvent), expected);
  });
}
