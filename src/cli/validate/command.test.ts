import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fieldSteps } from '../../model/yaml/index.ts';
import { validateCommand } from './index.ts';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], stdin = ''): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await validateCommand(argv, { stdin: Readable.from([stdin]), stdout, stderr, environment: {} });
  const read = (stream: PassThrough): string => String(stream.read() ?? '');
  return { code, out: read(stdout), err: read(stderr) };
}

function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'validate-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
  return root;
}

const good = `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata:
  name: good
spec:
  endpointSelector: {}
  egress:
  - {}
`;

const broken = `# a comment
apiVersion: cilium.io/v2
kind: CiliumClusterwideEnvoyConfig
metadata: {name: broken}
spec:
  resources:
  - "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
    name: c
    connectTimeout: 0s
    outlier_detection:
      max_ejection_percent: 101
---
apiVersion: v1
kind: List
items:
- apiVersion: cilium.io/v2
  kind: CiliumNetworkPolicy
  metadata: {name: p, namespace: shop}
  spec:
    endpointSelector: {}
    egress:
    - toPorts:
      - ports:
        - port: 80
        - port: "99999"
`;

test('good manifests print nothing and exit with 0', async (t) => {
  const root = folder(t, {
    'a.yaml': good,
    'below/b.json': JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }),
    'c.txt': 'no manifest',
  });
  assert.deepEqual(await run(['-f', root]), { code: 0, out: '', err: '' });
  assert.deepEqual(await run(['-f', '-', '-o', 'json'], good), { code: 0, out: '[]\n', err: '' });
});

test('each fault is a line with its place, field, what was found and what is allowed', async (t) => {
  const file = path.join(folder(t, { 'x.yaml': broken }), 'x.yaml');
  const { code, out } = await run(['--filename', file]);
  assert.equal(code, 1);
  const lines = out.replaceAll(file, 'x.yaml').trimEnd().split('\n');
  assert.deepEqual(lines.slice(0, 2), [
    'x.yaml:9:5: spec.resources[0].connectTimeout: value must be greater than 0s',
    'x.yaml:11:7: spec.resources[0].outlier_detection.max_ejection_percent: value must be less than or equal to 100',
  ]);
  assert.match(
    lines.slice(2).join('|'),
    /^x\.yaml:24:11: spec\.egress\[0\]\.toPorts\[0\]\.ports\[0\]\.port: [^|]*string[^|]*$/,
  );
});

test('JSON output names the object and the position of every fault', async () => {
  const { code, out } = await run(['-f', '-', '-o', 'json'], broken);
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(out)[0], {
    path: 'spec.resources[0].connectTimeout',
    message: 'value must be greater than 0s',
    object: 'CiliumClusterwideEnvoyConfig broken',
    position: { file: 'stdin', line: 9, column: 5 },
  });
});

const meeting = (name: string, layer7: string) => `apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: ${name}, namespace: shop}
spec:
  endpointSelector: {}
  egress:
  - toPorts:
    - ports: [{port: "53", protocol: TCP}]
      rules: ${layer7}
`;

test('rules that cannot be merged are faults of both, each at its place', async () => {
  const text = `${meeting('a', '{http: [{}]}')}---\n${meeting('b', '{dns: [{matchPattern: "*"}]}')}`;
  const { code, out } = await run(['-f', '-'], text);
  const place = 'spec.egress[0].toPorts[0]';
  const said = 'cannot merge conflicting L7 parsers (http/dns) with CiliumNetworkPolicy';
  const whom = 'for pods of namespace shop without labels: neither allows anything';
  assert.equal(code, 1);
  assert.deepEqual(out.trimEnd().split('\n'), [
    `stdin:8:7: ${place}: ${said} shop/b ${place} (stdin:18), ${whom}`,
    `stdin:18:7: ${place}: ${said} shop/a ${place} (stdin:8), ${whom}`,
  ]);
  assert.equal(JSON.parse((await run(['-f', '-', '-o', 'json'], text)).out)[1].object, 'CiliumNetworkPolicy shop/b');
});

/** Text on standard input, the start of the line that it gives. */
const texts: readonly (readonly [what: string, text: string, line: string])[] = [
  ['text that is no YAML', 'a: [1\nb: 2\n', 'stdin:2:1: not YAML: '],
  ['a key twice', 'apiVersion: v1\nkind: Pod\nkind: Pod\n', 'stdin:3:1: not YAML: Map keys must be unique'],
  ['a scalar', 'hello\n', 'stdin:1:1: Invalid value: '],
  ['no kind', '\napiVersion: v1\n', 'stdin:2:1: kind: Required value'],
  [
    'an unknown kind',
    'apiVersion: x/v1\nkind: Thing\nmetadata: {name: a}\n',
    'stdin:2:1: kind: no matches for kind "Thing" in version "x/v1"',
  ],
  [
    'a missing field',
    `${good}---\n${good.replace('  endpointSelector: {}\n', '')}`,
    'stdin:14:1: spec: rule must have one of EndpointSelector or NodeSelector',
  ],
  [
    'too many aliases',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((key, at) => `${key}: &${key} [${`*${'abcdefgh'[at]},`.repeat(9)}]`)
      .join('\n')}\n`,
    'stdin:1:1: not YAML: ',
  ],
];

for (const [what, text, line] of texts) {
  test(`${what} is a fault with a place`, async () => {
    const { code, out } = await run(['-f', '-'], text);
    assert.equal(code, 1);
    assert.ok(out.startsWith(line), out);
  });
}

test('a definition among the manifests makes its kind known', async () => {
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.org' },
    spec: {
      group: 'example.org',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
            },
          },
        },
      ],
    },
  };
  const thing = { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'a' }, spec: { size: 'big' } };
  const { out } = await run(['-f', '-'], `${JSON.stringify(thing)}\n---\n${JSON.stringify(definition)}\n`);
  assert.match(out, /^stdin:1:\d+: spec\.size: /);
});

/** Arguments that cannot be served, and what the message says. */
const misuse: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
  [[], /-f is missing/],
  [['-f', '-', '-o', 'yaml'], /unknown output "yaml"; allowed: json/],
  [['--nope'], /Unknown option '--nope'/],
  [['-f', '/does/not/exist'], /ENOENT/],
];

for (const [argv, message] of misuse) {
  test(`${argv.join(' ') || 'no argument'} exits with 2`, async () => {
    const { code, out, err } = await run(argv);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, message);
  });
}

test('a folder without manifests exits with 2, help with 0', async (t) => {
  assert.equal((await run(['-f', folder(t, {})])).code, 2);
  const { code, out } = await run(['--help']);
  assert.equal(code, 0);
  assert.match(out, /^Usage: ciliate validate -f/);
});

test('field paths fall into steps, keys with dots included', () => {
  assert.deepEqual(fieldSteps('spec.resources[0].typed_extension_protocol_options[a.b/c].@type'), [
    'spec',
    'resources',
    '0',
    'typed_extension_protocol_options',
    'a.b/c',
    '@type',
  ]);
  assert.deepEqual(fieldSteps(''), []);
});
