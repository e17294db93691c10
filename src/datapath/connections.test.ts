import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionOf } from './connections.ts';

test('a line of the connection table gives who asked and who answers', () => {
  const ports = 'sport=40000 dport=80';
  const cases: readonly (readonly [string, readonly string[] | undefined])[] = [
    [
      `ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=1.1.1.1 ${ports} src=1.1.1.1 dst=172.30.0.1 sport=80 dport=40000 [ASSURED] mark=0 use=1`,
      ['10.0.0.1', '1.1.1.1'],
    ],
    [
      `ipv4     2 tcp      6 119 SYN_SENT src=10.0.0.1 dst=10.96.0.7 ${ports} [UNREPLIED] src=10.0.0.9 dst=10.0.0.1 sport=80 dport=40000 mark=0 use=1`,
      ['10.0.0.1', '10.0.0.9'],
    ],
    [
      `ipv4     2 udp      17 29 src=10.0.0.1 dst=1.1.1.1 ${ports} src=1.1.1.1 dst=10.0.0.1 sport=80 dport=40000 mark=0 use=1`,
      ['10.0.0.1', '1.1.1.1'],
    ],
    [
      `ipv4     2 tcp      6 119 TIME_WAIT src=10.0.0.1 dst=1.1.1.1 ${ports} src=1.1.1.1 dst=10.0.0.1 sport=80 dport=40000 mark=0 use=1`,
      undefined,
    ],
    [`ipv6     10 tcp      6 9 ESTABLISHED src=::1 dst=::2 ${ports} src=::2 dst=::1`, undefined],
    ['', undefined],
  ];
  for (const [line, expected] of cases) assert.deepEqual(connectionOf(line), expected, line);
});
