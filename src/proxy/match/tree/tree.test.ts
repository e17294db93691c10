import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Issue } from '../../../base/index.ts';
import { type Fields, type JsonObject, readMessage } from '../../config/fields.ts';
import type { ConnectionPeers } from '../../http/stream-info.ts';
import { Runtime } from '../../runtime/runtime.ts';
import { StatsStore } from '../../stats/store.ts';
import { CHAIN_INPUTS, type ChainSubject } from './inputs.ts';
import { readMatcher } from './tree.ts';

type Tree = (subject: ChainSubject) => string | undefined;

const NETWORK = 'type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.';
const SUBJECT = {
  typed_config: { '@type': 'type.googleapis.com/envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput' },
};
const name = (value: string): JsonObject => ({
  action: { name: 'n', typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value } },
});
const input = (type: string): JsonObject => ({ name: 'i', typed_config: { '@type': `${NETWORK}${type}` } });
const source = (exact: string): JsonObject => ({
  single_predicate: { input: input('SourceIPInput'), value_match: { exact } },
});
/** A certificate, which no connection has. */
const certified: JsonObject = { single_predicate: { input: SUBJECT, value_match: { exact: '' } } };
const row = (predicate: JsonObject, on_match: JsonObject): JsonObject => ({ predicate, on_match });
const list = (...matchers: readonly JsonObject[]): JsonObject => ({
  matcher_list: { matchers },
  on_no_match: name('else'),
});

function read(json: JsonObject): { readonly tree: Tree; readonly issues: readonly Issue[] } {
  const issues: Issue[] = [];
  const actions = new Map([['google.protobuf.StringValue', (config: Fields) => config.text('value')]]);
  const tree = readMessage(json, '', issues, (fields) =>
    readMatcher(fields, {
      inputs: CHAIN_INPUTS,
      refuseInput: (type) => `no ${type} here`,
      actions,
      runtime: new Runtime(),
      stats: new StatsStore().scope(),
    }),
  );
  return { tree, issues };
}

const from = (address: string, protocol = ''): ChainSubject => {
  const remote = { address, port: 4000 };
  const peers: ConnectionPeers = { remote, directRemote: remote, local: { address: '10.9.9.9', port: 80 } };
  return { peers, protocol };
};

const table: readonly (readonly [string, JsonObject, ChainSubject, string | undefined])[] = [
  ['the first row that holds', list(row(source('10.0.0.1'), name('a'))), from('10.0.0.1'), 'a'],
  ['none of them', list(row(source('10.0.0.1'), name('a'))), from('10.0.0.2'), 'else'],
  [
    'what cannot be told ends the search',
    list(row(certified, name('a')), row(source('1.1.1.1'), name('b'))),
    from('1.1.1.1'),
    undefined,
  ],
  ['the opposite of it, too', list(row({ not_matcher: certified }, name('a'))), from('1.1.1.1'), undefined],
  [
    'an alternative that holds is enough',
    list(row({ or_matcher: { predicate: [certified, source('1.1.1.1')] } }, name('a'))),
    from('1.1.1.1'),
    'a',
  ],
  [
    'an alternative that does not is not',
    list(row({ or_matcher: { predicate: [certified, source('1.1.1.2')] } }, name('a'))),
    from('1.1.1.1'),
    undefined,
  ],
  [
    'of several conditions the first that does not hold decides',
    list(row({ and_matcher: { predicate: [source('1.1.1.2'), certified] } }, name('a'))),
    from('1.1.1.1'),
    'else',
  ],
  [
    'a source type',
    { matcher_tree: { input: input('SourceTypeInput'), exact_match_map: { map: { local: name('l') } } } },
    from('127.0.0.1'),
    'l',
  ],
  [
    'a protocol that was found',
    {
      matcher_tree: { input: input('ApplicationProtocolInput'), exact_match_map: { map: { "'http/1.1'": name('h') } } },
    },
    from('1.1.1.1', 'http/1.1'),
    'h',
  ],
  [
    'an address that is a path',
    {
      matcher_tree: { input: input('SourceIPInput'), exact_match_map: { map: { '/run/x': name('a') } } },
      on_no_match: name('else'),
    },
    from('/run/x'),
    'else',
  ],
];
for (const [what, json, subject, expected] of table) {
  test(`matcher tree: ${what}`, () => {
    const { tree, issues } = read(json);
    assert.deepEqual(issues, []);
    assert.equal(tree(subject), expected);
  });
}

test('the environment is read once', () => {
  const variable = 'CILIATE_TREE_TEST';
  process.env[variable] = 'v';
  const type = 'type.googleapis.com/envoy.extensions.matching.common_inputs.environment_variable.v3.Config';
  const { tree } = read({
    matcher_tree: {
      input: { name: 'i', typed_config: { '@type': type, name: variable } },
      exact_match_map: { map: { v: name('found') } },
    },
  });
  delete process.env[variable];
  assert.equal(tree(from('1.1.1.1')), 'found');
});

test('an input, an action and a test that are not for here are named', () => {
  const paths = (json: JsonObject): readonly (string | undefined)[] => read(json).issues.map((issue) => issue.path);
  const header = { typed_config: { '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput' } };
  const unknown = { typed_config: { '@type': 'type.googleapis.com/x.Y' } };
  assert.deepEqual(paths(list(row({ single_predicate: { input: header, value_match: { exact: '' } } }, name('a')))), [
    'matcher_list.matchers[0].predicate.single_predicate.input.typed_config.@type',
  ]);
  assert.deepEqual(paths({ on_no_match: { ...name('a'), keep_matching: true } }), ['on_no_match.keep_matching']);
  assert.deepEqual(paths({ on_no_match: { action: unknown } }), ['on_no_match.action.typed_config.@type']);
  const custom = { single_predicate: { input: input('SourceIPInput'), custom_match: unknown } };
  assert.deepEqual(paths(list(row(custom, name('a')))), [
    'matcher_list.matchers[0].predicate.single_predicate.custom_match.typed_config.@type',
  ]);
});
