import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Flow, type FlowFilter, printJson } from '../../model/flow/index.ts';
import { compileSelection } from './compile.ts';
import { compileTextHint } from './text-hint.ts';

const line = '{"flow":{"verdict":"DROPPED","source":{"namespace":"shop","pod_name":"client-1"}},"node_name":"n"}';

test('what the text of a line tells', () => {
  const cases: readonly [FlowFilter[], string, boolean | undefined][] = [
    [[], line, undefined],
    [[{ source_ip: ['10.0.0.1'] }], line, undefined],
    [[{ source_pod: ['shop/client'] }, { protocol: ['tcp'] }], line, undefined],
    [[{ http_path: ['.*', '/a'] }], line, undefined],
    [[{ http_path: ['/a|/b'] }], line, undefined],
    [[{ http_path: ['(?i)/a'] }], line, undefined],
    [[{ http_path: ['(/orders)?'] }], line, undefined],
    [[{ http_path: ['/\\x41bc'] }], line, undefined],
    [[{ http_path: ['/\\Qa.b\\E'] }], line, undefined],
    [[{ http_path: ['/a.*'] }], line, false],
    [[{ http_path: ['/ab*c'] }], '{"flow":"/ac"}', true],
    [[{ http_path: ['/ab*c'] }], '{"flow":"/ba"}', false],
    [[{ http_path: ['/(x|y)/orders/[^/z]+'] }], '{"flow":"/y/orders/1"}', true],
    [[{ http_path: ['/(x|y)/orders/[^/z]+'] }], '{"flow":"/y/users/1"}', false],
    [[{ http_path: ['/v\\d{1,2}x?/a'] }], '{"flow":"/v12/a"}', true],
    [[{ http_path: ['[]a]bc'] }], '{"flow":"bc"}', true],
    [[{ source_pod: ['/'] }], line, undefined],
    [[{ source_pod: ['shop/client'] }], line, true],
    [[{ source_pod: ['shop/'] }], line, true],
    [[{ source_pod: ['other/'] }], line, false],
    [[{ source_pod: ['shop/server'] }], line, false],
    [[{ source_pod: ['shop/server', 'shop/client'] }], line, true],
    [[{ source_pod: ['shop/server'] }, { verdict: [2] }], line, true],
    [[{ source_pod: ['shop/client'], verdict: [1] }], line, false],
    [[{ verdict: [0, 1] }], line, undefined],
    [[{ http_path: ['^/orders$'] }], line, false],
    [[{ source_pod: ['shop/server'] }], '{"lost_events":{}}', true],
    [[{ source_pod: ['shop/server'] }], line.replace('client', '\\u0073erver'), true],
    [[{ http_path: ['/a/b'] }], '{"flow":{"l7":{"http":{"url":"http:\\/\\/x\\/a\\/b"}}}}', true],
    [[{ http_path: ['/a/b'] }], '{"flow":{"l7":{"http":{"url":"http://x/?a=1\\u0026b=2"}}}}', false],
    [[{ verdict: [2] }], '{"flow":{"verdict": 2}}', true],
    [[{ verdict: [2] }], '{"flow":{"verdict":"FORWARDED"}}', false],
  ];
  for (const [filters, text, expected] of cases) {
    assert.equal(compileTextHint(filters)?.(text), expected, `${JSON.stringify(filters)} ${text}`);
  }
});

test('a flow that matches is never held back', () => {
  const name = fc.constantFrom('', 'a', 'ab', 'a-b', 'shop', 'ä', 'a"b', 'a&b');
  const path = fc.constantFrom('/', '/a', '/a/b', '/a&b', '/ä');
  const flow = fc.record({ pod: name, namespace: name, verdict: fc.integer({ min: 0, max: 3 }), path }).map(
    (made): Flow => ({
      verdict: made.verdict,
      event_type: { type: 129 },
      source: { namespace: made.namespace, pod_name: made.pod },
      l7: { http: { url: `http://h${made.path}` } },
    }),
  );
  const filter = fc.record(
    {
      source_pod: fc.array(
        fc.tuple(name, name).map((parts) => parts.join('/')),
        { minLength: 1, maxLength: 2 },
      ),
      verdict: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 2 }),
      http_path: fc.array(
        fc.constantFrom('/a', '^/a$', '/a/.*', '/', '/a(/b)?', '/a[/&]b', '/b?a+', '(^/a|x)$', '/a{2}|/', '/ä'),
        { minLength: 1, maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(filter, { minLength: 1, maxLength: 2 }), flow, (filters, found) => {
      const whitelist = filters.map((one) => ({ ...one, event_type: [{ type: 129 }] }));
      const selection = compileSelection(whitelist, []);
      assert.ok(selection.ok);
      const hint = compileTextHint(whitelist);
      const bytes = Buffer.from(printJson('observer.GetFlowsResponse', { flow: found }));
      if (hint && selection.value(found)) assert.ok(hint(bytes.toString('latin1')));
    }),
    { numRuns: 2000 },
  );
});
