import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Flow, MessageType, type TcpFlags, Verdict } from '../model/flow/index.ts';
import { flowRequirements, matchFlows } from './flow-match.ts';
import type { Action, CurlAction, Expectation, TestPod } from './model.ts';

const source: TestPod = {
  namespace: 'cilium-test',
  name: 'client2-a',
  address: '10.0.0.1',
  nodeAddress: '172.30.0.1',
  labels: {},
};
const curl: CurlAction = {
  kind: 'curl',
  name: 'curl-ipv4-0',
  source,
  target: 'echo',
  targetLabels: {},
  targetAddresses: ['10.0.0.2'],
  url: 'http://10.0.0.2:8080/',
  path: '/',
  port: 8080,
  method: 'GET',
  headers: [],
};
const sourcePorts = { first: 40_000, last: 40_007 };
const ping: Action = {
  kind: 'ping',
  name: 'ping-ipv4-0',
  source,
  target: 'b',
  targetLabels: {},
  targetAddresses: ['10.0.0.2'],
  address: '10.0.0.2',
};

function tcp(flags: TcpFlags, { back = false, drop = false, port = 40000, target = '10.0.0.2' } = {}): Flow {
  const ends = { source: '10.0.0.1', destination: target };
  const ports = { source_port: port, destination_port: 8080, flags };
  return {
    verdict: drop ? Verdict.DROPPED : Verdict.FORWARDED,
    event_type: { type: drop ? MessageType.DROP : MessageType.TRACE },
    IP: back ? { source: ends.destination, destination: ends.source } : ends,
    l4: { TCP: back ? { ...ports, source_port: 8080, destination_port: port } : ports },
  };
}

function http(verdict: number, path: string): Flow {
  const flow = tcp({});
  return {
    ...flow,
    verdict,
    event_type: { type: MessageType.L7 },
    l7: { type: 1, http: { method: 'GET', url: `http://e:8080${path}` } },
  };
}

function icmp(type: number, back: boolean, drop = false): Flow {
  return { ...tcp({}, { back, drop }), l4: { ICMPv4: { type } } };
}

const syn = tcp({ SYN: true });
const synAck = tcp({ SYN: true, ACK: true }, { back: true });
const fin = tcp({ FIN: true, ACK: true });
const synDrop = tcp({ SYN: true }, { drop: true });
const allowed: Expectation = { result: 'ok' };
const allowedHttp: Expectation = { result: 'ok', http: true };
const dropped: Expectation = { result: 'dropped' };
const denied: Expectation = { result: 'denied' };
const deniedAtEgress: Expectation = { result: 'dropped', drop: { direction: 'egress', reason: 'deny' } };

test('flows are held against what was expected', () => {
  const cases: readonly [string, Action, Expectation, readonly Flow[], boolean][] = [
    ['a whole connection', curl, allowed, [syn, synAck, fin], true],
    ['no end', curl, allowed, [syn, synAck], false],
    ['no answer', curl, allowed, [syn, fin], false],
    ['a drop in it', curl, allowed, [syn, synAck, synDrop, fin], false],
    ['another connection', curl, allowed, [tcp({ SYN: true }, { port: 1 }), synAck, fin], false],
    ['another target', curl, allowed, [tcp({ SYN: true }, { target: '10.0.0.9' }), synAck, fin], false],
    ['a proxied request', curl, allowedHttp, [syn, synAck, fin, http(Verdict.FORWARDED, '/')], true],
    ['another path', curl, allowedHttp, [syn, synAck, fin, http(Verdict.FORWARDED, '/foo')], false],
    ['a refused request', curl, allowedHttp, [syn, synAck, http(Verdict.DROPPED, '/'), fin], false],
    ['a denial', curl, denied, [syn, synAck, http(Verdict.DROPPED, '/'), fin], true],
    ['no denial', curl, denied, [syn, synAck, http(Verdict.FORWARDED, '/'), fin], false],
    ['a drop', curl, dropped, [syn, synDrop], true],
    ['a drop alone', curl, dropped, [synDrop], true],
    ['a drop with an answer', curl, dropped, [syn, synDrop, synAck], false],
    ['nothing', curl, dropped, [], false],
    [
      'a drop as wanted',
      curl,
      deniedAtEgress,
      [syn, { ...synDrop, traffic_direction: 2, drop_reason_desc: 181 }],
      true,
    ],
    [
      'a drop elsewhere',
      curl,
      deniedAtEgress,
      [syn, { ...synDrop, traffic_direction: 1, drop_reason_desc: 181 }],
      false,
    ],
    [
      'a drop by default',
      curl,
      deniedAtEgress,
      [syn, { ...synDrop, traffic_direction: 2, drop_reason_desc: 133 }],
      false,
    ],
    [
      'another method',
      { ...curl, method: 'POST' },
      allowedHttp,
      [syn, synAck, fin, http(Verdict.FORWARDED, '/')],
      false,
    ],
    ['a translated port', { ...curl, port: 30080, translatedPort: 8080 }, allowed, [syn, synAck, fin], true],
    ['an error of the server', curl, { result: 'http-error' }, [syn, synAck, fin], true],
    ['one of the proxy', curl, { result: 'http-error' }, [syn, synAck, http(Verdict.DROPPED, '/'), fin], false],
    ['a reset handshake', curl, { result: 'tls-error' }, [syn, synAck, tcp({ RST: true }, { back: true })], true],
    ['no connection for one', curl, { result: 'tls-error' }, [syn, synDrop], false],
    ['a ping', ping, allowed, [icmp(8, false), icmp(0, true)], true],
    ['an unanswered ping', ping, allowed, [icmp(8, false)], false],
    ['a dropped ping', ping, dropped, [icmp(8, false), icmp(8, false, true)], true],
    ['a dropped ping with an answer', ping, dropped, [icmp(8, false, true), icmp(0, true)], false],
  ];
  for (const [name, action, expectation, flows, expected] of cases) {
    const requirements = flowRequirements(action, expectation, sourcePorts);
    const matched = requirements.every((requirement) => matchFlows(requirement, flows).matched);
    assert.equal(matched, expected, name);
  }
});

function dns(back: boolean, l7?: Flow['l7']): Flow {
  const ports = back ? { source_port: 53, destination_port: 9 } : { source_port: 9, destination_port: 53 };
  const ip = back
    ? { source: '10.96.0.10', destination: '10.0.0.1' }
    : { source: '10.0.0.1', destination: '10.96.0.10' };
  return { IP: ip, l4: { UDP: ports }, ...(l7 && { l7 }) };
}

test('a name must have been resolved', () => {
  const action = { ...curl, resolves: 'one.one.one.one' };
  const answer = dns(true, { type: 2, dns: { query: 'one.one.one.one.', ips: ['203.0.113.10'] } });
  const refusal = dns(true, { type: 2, dns: { rcode: 5 } });
  const cases: readonly [string, Expectation, readonly Flow[], boolean][] = [
    ['plain', { result: 'ok', dns: 'plain' }, [dns(false), dns(true)], true],
    ['plain without answer', { result: 'ok', dns: 'plain' }, [dns(false)], false],
    ['through the proxy', { result: 'ok', dns: 'proxy' }, [dns(false), answer], true],
    ['not through the proxy', { result: 'ok', dns: 'proxy' }, [dns(false), dns(true)], false],
    ['refused', { result: 'ok', dns: 'proxy' }, [dns(false), answer, refusal], false],
  ];
  for (const [name, expectation, flows, expected] of cases) {
    const [requirement] = flowRequirements(action, expectation, sourcePorts);
    assert.ok(requirement);
    assert.equal(matchFlows(requirement, flows).matched, expected, name);
  }
});

test('flows of another name than the one asked for belong to somebody else', () => {
  const { targetAddresses: _, ...rest } = curl;
  const action: CurlAction = { ...rest, targetAddresses: undefined, resolves: 'k8s.io' };
  const requirement = flowRequirements(action, dropped, sourcePorts).find(({ name }) => name === 'TCP drop');
  assert.ok(requirement);
  const answered = (name: string): readonly Flow[] => [syn, synDrop, { ...synAck, source_names: [name] }];
  assert.equal(matchFlows(requirement, answered('one.one.one.one')).matched, true);
  assert.equal(matchFlows(requirement, answered('k8s.io')).matched, false);
});
