import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../base/index.ts';
import type { Flow, HttpEvent } from '../model/flow/index.ts';
import { createFlowSink } from './flows.ts';
import { createRedactionUpdate } from './redaction.ts';

const event: HttpEvent = {
  kind: 'http',
  way: { listener: 'cilium-http-egress' },
  direction: 'egress',
  startNs: 0n,
  latencyNs: 1n,
  source: { address: '10.0.0.1', port: 1 },
  destination: { address: '10.0.0.2', port: 80 },
  method: 'GET',
  url: 'http://web/a?key=1',
  protocol: 'HTTP/1.1',
  requestHeaders: [
    { key: 'Accept', value: '*/*' },
    { key: 'Authorization', value: 'Bearer x' },
  ],
  responseHeaders: [],
  status: 0,
  verdicts: {},
};

test('redaction follows the ConfigMap, and all is redacted until a setting has been understood', () => {
  const errors: string[] = [];
  const log = createLogger('redaction-test');
  log.level = 'silent';
  Object.assign(log, { error: (details: unknown) => void errors.push(JSON.stringify(details)) });
  const metrics = { observe: () => {}, lost: () => {} };
  const sink = createFlowSink({ nodeName: 'c/n', version: '1', metrics });
  sink.use({
    nodeName: 'c/n',
    endpoint: () => undefined,
    service: () => undefined,
    names: () => [],
    policyRevision: 1,
    rule: () => undefined,
    closing: () => [],
  });
  let data: Record<string, string> | undefined = {
    'hubble-redact-http-headers-allow': 'a',
    'hubble-redact-http-headers-deny': 'b',
  };
  const update = createRedactionUpdate({
    configMap: () => data && { metadata: { name: 'cilium-config' }, data },
    use: sink.redact,
    log,
  });
  const shown = (): string => {
    let request: Flow | undefined;
    sink.tap((_, flows) => {
      request = flows[0];
    });
    sink.push(event);
    const { url, headers = [] } = request?.l7?.http ?? {};
    return [url, ...headers.map(({ value }) => value)].join(' ');
  };

  update();
  assert.equal(shown(), 'http://web/a HUBBLE_REDACTED HUBBLE_REDACTED');
  assert.match(errors.join(), /hubble-redact-http-headers-deny: is set together/);
  data = undefined;
  update();
  assert.equal(shown(), 'http://web/a?key=1 */* HUBBLE_REDACTED');
  data = { 'hubble-redact-enabled': 'false' };
  update();
  assert.equal(shown(), 'http://web/a?key=1 */* Bearer x');
  data = { 'hubble-redact-enabled': 'maybe' };
  update();
  update();
  assert.equal(shown(), 'http://web/a?key=1 */* Bearer x');
  assert.equal(errors.length, 2);
});
