import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRegistry } from '../registry/registry.ts';
import { validateCustom } from './custom.ts';
import { validateObject } from './validate-object.ts';

const registry = createRegistry();
const container = { name: 'a', image: 'b' };
const pod = (spec: object, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', ...metadata },
  spec: { containers: [container], ...spec },
});
const deployment = (spec: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'x' } },
    template: { metadata: { labels: { app: 'x' } }, spec: { containers: [container] } },
    ...spec,
  },
});
const service = (spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec });

describe('built-in kinds', () => {
  const cases: readonly [
    name: string,
    object: unknown,
    issues: readonly (readonly [path: string, message: RegExp])[],
  ][] = [
    ['a plain pod', pod({}), []],
    ['a plain deployment', deployment({}), []],
    ['no kind', { apiVersion: 'v1' }, [['kind', /Required/]]],
    [
      'an unknown version',
      { ...pod({}), apiVersion: 'v2' },
      [['apiVersion', /no matches for kind "Pod" in version "v2"/]],
    ],
    ['no metadata', { apiVersion: 'v1', kind: 'Pod' }, [['metadata', /Required/]]],
    ['an unknown field', pod({ hostname1: 'x' }), [['spec.hostname1', /unknown field/]]],
    ['a wrong type', pod({ hostNetwork: 'yes' }), [['spec.hostNetwork', /"yes": must be a boolean/]]],
    ['no containers', pod({ containers: [] }), [['spec.containers', /Required/]]],
    ['no image', pod({ containers: [{ name: 'a' }] }), [['spec.containers[0].image', /Required/]]],
    [
      'two of a name',
      pod({ containers: [container, container] }),
      [['spec.containers[1].name', /Duplicate value: "a"/]],
    ],
    [
      'a path that leads out of a volume',
      pod({
        containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/../../b' }] }],
        volumes: [{ name: 'v', emptyDir: {} }],
      }),
      [['spec.containers[0].volumeMounts[0].subPath', /must not contain '\.\.'/]],
    ],
    [
      'a port out of range',
      pod({ containers: [{ ...container, ports: [{ containerPort: 0 }] }] }),
      [['spec.containers[0].ports[0].containerPort', /0: must be between 1 and 65535/]],
    ],
    [
      'a bad port name',
      pod({ containers: [{ ...container, ports: [{ containerPort: 1, name: 'Web' }] }] }),
      [['spec.containers[0].ports[0].name', /"Web"/]],
    ],
    [
      'a mount without volume',
      pod({ containers: [{ ...container, volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }),
      [['spec.containers[0].volumeMounts[0].name', /Not found: "v"/]],
    ],
    [
      'a probe without handler',
      pod({ containers: [{ ...container, readinessProbe: {} }] }),
      [['spec.containers[0].readinessProbe', /handler type/]],
    ],
    [
      'a bad quantity',
      pod({ containers: [{ ...container, resources: { limits: { cpu: 'lots' } } }] }),
      [['spec.containers[0].resources.limits[cpu]', /quantity/]],
    ],
    ['a bad label', pod({}, { labels: { 'a b': 'c' } }), [['metadata.labels', /name part/]]],
    [
      'a selector that misses its template',
      deployment({ selector: { matchLabels: { app: 'y' } } }),
      [['spec.template.metadata.labels', /does not match template/]],
    ],
    ['no selector', deployment({ selector: undefined }), [['spec.selector', /Required/]]],
    [
      'an operator that is none',
      deployment({ selector: { matchLabels: { app: 'x' }, matchExpressions: [{ key: 'app', operator: 'Is' }] } }),
      [
        ['spec.selector.matchExpressions[0].operator', /Unsupported value: "Is"/],
        ['spec.template.metadata.labels', /does not match/],
      ],
    ],
    [
      'a strategy that is none',
      deployment({ strategy: { type: 'Fast' } }),
      [['spec.strategy.type', /Unsupported value: "Fast"/]],
    ],
    ['a service without ports', service({}), [['spec.ports', /Required/]]],
    [
      'unnamed ports',
      service({ ports: [{ port: 1 }, { port: 2 }] }),
      [
        ['spec.ports[0].name', /Required/],
        ['spec.ports[1].name', /Required/],
      ],
    ],
    [
      'a service type that is none',
      service({ type: 'Internal', ports: [{ port: 1 }] }),
      [['spec.type', /Unsupported value: "Internal"/]],
    ],
    [
      'a namespace on a cluster kind',
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n', namespace: 'x' } },
      [['metadata.namespace', /Forbidden/]],
    ],
    [
      'a bad CIDR',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'n' },
        spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0/8' } }] }] },
      },
      [['spec.ingress[0].from[0].ipBlock.cidr', /"10.0.0\/8"/]],
    ],
  ];
  for (const [name, object, expected] of cases) {
    test(name, () => {
      const before = structuredClone(object);
      const found = validateObject(object, registry);
      assert.deepEqual(
        found.map(({ path }) => path),
        expected.map(([path]) => path),
        JSON.stringify(found),
      );
      for (const [position, [, message]] of expected.entries()) assert.match(found[position]?.message ?? '', message);
      assert.deepEqual(object, before, 'the object is not changed');
    });
  }

  test('what is allowed is said', () => {
    const [unknown] = validateObject(pod({ containers: [{ ...container, imgae: 'x' }] }), registry);
    assert.match(unknown?.allowed ?? '', /\bimage\b/);
    const [value] = validateObject(pod({ restartPolicy: 'Sometimes' }), registry);
    assert.equal(value?.allowed, '"Always", "OnFailure", "Never"');
  });

  test('own checks run on valid objects only', () => {
    const seen: string[] = [];
    const validator = (resource: string) => {
      seen.push(resource);
      return [{ path: 'spec', message: 'no' }];
    };
    assert.deepEqual(validateObject(pod({}), registry, validator), [{ path: 'spec', message: 'no' }]);
    validateObject(pod({ containers: [] }), registry, validator);
    assert.deepEqual(seen, ['pods']);
  });
});

describe('structural schemas', () => {
  const text = { type: 'string' };
  const cases: readonly [name: string, schema: Record<string, unknown>, value: unknown, message: RegExp | undefined][] =
    [
      ['type', { type: 'integer' }, 'x', /^a: Invalid value: "x": must be of type integer: "string"/],
      ['integers are numbers', { type: 'number' }, 3, undefined],
      ['null', text, null, /must be of type string: "null"/],
      ['nullable', { ...text, nullable: true }, null, undefined],
      ['int or string', { 'x-kubernetes-int-or-string': true }, 1.5, /integer or string/],
      ['enum', { ...text, enum: ['A', 'B'] }, 'C', /^a: Unsupported value: "C"/],
      ['pattern', { ...text, pattern: '^a+$' }, 'b', /should match '\^a\+\$'/],
      ['too short', { ...text, minLength: 2 }, 'b', /at least 2 chars/],
      ['too long', { ...text, maxLength: 2 }, 'bbb', /Too long: may not be more than 2 bytes/],
      ['minimum', { type: 'integer', minimum: 1 }, 0, /greater than or equal to 1/],
      ['exclusive maximum', { type: 'integer', maximum: 3, exclusiveMaximum: true }, 3, /less than 3/],
      ['too many', { type: 'array', maxItems: 1, items: text }, ['a', 'b'], /Too many: 2: must have at most 1/],
      [
        'set',
        { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
        ['a', 'a'],
        /^a\[1\]: Duplicate value: "a"/,
      ],
      [
        'map',
        {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['n'],
          items: { type: 'object' },
        },
        [{ n: 1 }, { n: 1 }],
        /^a\[1\]: Duplicate value: {"n":1}/,
      ],
      ['required', { type: 'object', required: ['b'] }, {}, /^a\.b: Required value/],
      ['values of a map', { type: 'object', additionalProperties: text }, { k: 1 }, /^a\[k\]: Invalid value: 1/],
      ['any of', { anyOf: [{ required: ['x'] }, { required: ['y'] }] }, {}, /anyOf/],
      ['one of', { oneOf: [{ required: ['x'] }, { required: ['y'] }] }, { x: 1, y: 1 }, /oneOf/],
      ['not', { not: { required: ['x'] } }, { x: 1 }, /\(not\)/],
      ['all of', { allOf: [{ minLength: 2 }] }, 'a', /at least 2/],
      ['format', { ...text, format: 'cidr' }, '10.0.0.0', /format cidr/],
      ['an unknown format', { ...text, format: 'colour' }, 'x', undefined],
    ];
  for (const [name, schema, value, message] of cases) {
    test(name, () => {
      const issues = validateCustom({ type: 'object', properties: { a: schema } }, { a: value });
      if (message === undefined) assert.deepEqual(issues, []);
      else assert.match(issues.map((issue) => `${issue.path}: ${issue.message}`).join('\n'), message);
    });
  }
});
