import assert from 'node:assert/strict';
import type protobufjs from 'protobufjs';
import {
  decodeBinary,
  decodeEnvoyJson,
  encodeResource,
  type JsonObject,
  type JsonValue,
  lookupMessage,
  resourceNameField,
  typeNameOf,
  typeUrl,
} from '../../src/model/envoy/index.ts';
import type { Random } from './random.ts';
import type { Target } from './target.ts';

const ROOTS = [typeUrl.listener, typeUrl.cluster, typeUrl.route, typeUrl.endpoint, typeUrl.secret].map(typeNameOf);
const BINARY = typeNameOf(typeUrl.cluster);
const ANY = [
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  'envoy.extensions.filters.http.router.v3.Router',
  'envoy.extensions.filters.http.rbac.v3.RBAC',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
  'envoy.extensions.access_loggers.file.v3.FileAccessLog',
  'google.protobuf.Any',
  'no.such.Message',
];
const TEXTS = [
  '',
  'a',
  'a.b',
  '/x',
  '*',
  '\xe9',
  'envoy',
  '127.0.0.1',
  '1',
  'x'.repeat(40),
  '__proto__',
  'constructor',
  '\ud800',
];
const NUMBERS = [0, 1, 2, 100, 80, -1, 0.5, 65_536, 4_294_967_295, 4_294_967_296, 1e300, -0];
const ODD: readonly JsonValue[] = [
  null,
  true,
  false,
  'x',
  '',
  0,
  -1,
  1.5,
  '5',
  '1s',
  'Infinity',
  'NaN',
  '-0',
  [],
  {},
  [null],
  [[]],
  'AA==',
];
const WELL_KNOWN: Readonly<Record<string, (random: Random, depth: number) => JsonValue>> = {
  '.google.protobuf.Duration': (random) =>
    random.pick(['1s', '0.25s', '0s', '-1s', '1.0000000001s', '315576000001s', '1', 's']),
  '.google.protobuf.Timestamp': (random) => random.pick(['2020-01-01T00:00:00Z', '2020-01-01T00:00:00.5Z', 'now']),
  '.google.protobuf.Struct': (random) => ({ [random.pick(TEXTS)]: random.pick(ODD), b: [1, { c: null }] }),
  '.google.protobuf.Value': (random) => random.pick(ODD),
  '.google.protobuf.Any': (random, depth) => {
    const type = random.pick(ANY);
    return { '@type': `type.googleapis.com/${type}`, ...message(random, type, depth + 1) };
  },
  '.google.protobuf.Empty': () => ({}),
};
const MAX_DEPTH = 7;

function message(random: Random, name: string, depth: number): JsonObject {
  const type = lookupMessage(name);
  return type ? messageOf(random, type, depth) : {};
}

function messageOf(random: Random, type: protobufjs.Type, depth: number): JsonObject {
  const json: Record<string, JsonValue> = {};
  const fields = type.fieldsArray;
  if (fields.length === 0 || depth > MAX_DEPTH) return json;
  const used = new Set<protobufjs.OneOf>();
  for (let count = random.below(depth < 2 ? 8 : 4); count > 0; count--) {
    const field = random.pick(fields).resolve();
    const { partOf } = field;
    if (partOf && used.has(partOf) && random.chance(0.9)) continue;
    if (partOf) used.add(partOf);
    const key = random.chance(0.1)
      ? field.name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      : field.name;
    json[key] = random.chance(0.03) ? random.pick(ODD) : fieldValue(random, field, depth);
  }
  if (random.chance(0.02)) json[random.pick(TEXTS)] = random.pick(ODD);
  return json;
}

function fieldValue(random: Random, field: protobufjs.Field, depth: number): JsonValue {
  const one = () => singleValue(random, field, depth);
  if (field.map) return { [random.pick(TEXTS)]: one(), k: one() };
  if (field.repeated) return Array.from({ length: random.below(3) }, one);
  return one();
}

function singleValue(random: Random, field: protobufjs.Field, depth: number): JsonValue {
  const inner = field.resolvedType;
  if (inner === null) return scalar(random, field.type);
  if ('values' in inner) {
    const names = Object.keys(inner.values);
    return random.chance(0.9) ? random.pick(names) : random.pick([0, 1, 99, -1, 'NO_SUCH']);
  }
  const known = WELL_KNOWN[inner.fullName];
  if (known) return known(random, depth);
  if (/^\.google\.protobuf\.\w+Value$/.test(inner.fullName)) return scalar(random, inner.fields['value']?.type ?? '');
  return messageOf(random, inner, depth + 1);
}

function scalar(random: Random, type: string): JsonValue {
  if (type === 'bool') return random.chance(0.5);
  if (type === 'string') return random.chance(0.8) ? 'a' : random.pick(TEXTS);
  if (type === 'bytes') return random.pick(['', 'AA==', 'AA', '-_', '=']);
  return random.chance(0.8)
    ? random.pick([1, 2, 80, 1000])
    : random.pick([...NUMBERS, '7', 'NaN', '18446744073709551615']);
}

/** What is decoded must be the same after it was on the wire, and be taken again as it is. */
function checkJson(type: string, json: unknown): void {
  const first = decodeEnvoyJson(json, { path: 'r', type });
  if (!first.ok) {
    assert.ok(first.error.length > 0, 'refused without a reason');
    for (const issue of first.error)
      assert.ok(issue.path.startsWith('r') && issue.message !== '', 'an issue without its place');
    return;
  }
  const { value } = first.value;
  const bytes = encodeResource(type, value);
  assert.deepEqual(decodeBinary(type, bytes), value, 'not the same after the wire');
  assert.deepEqual(Buffer.from(encodeResource(type, decodeBinary(type, bytes))), Buffer.from(bytes), 'other bytes');
  const again = decodeEnvoyJson(value, { path: 'r', type });
  assert.ok(again.ok, `its own canonical form is refused: ${again.ok ? '' : JSON.stringify(again.error)}`);
  assert.deepEqual(again.value.value, value, 'another canonical form');
}

/** Inputs are `TYPE JSON`; those that are no JSON are taken as the bytes of a message. */
export const resources: Target = {
  name: 'json',
  words: [
    '"',
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    'null',
    'true',
    '1',
    '-1',
    '"1s"',
    '"@type":',
    '"name":"a"',
    '{}',
    '[]',
    '__proto__',
  ],
  make: (random) => {
    const type = random.pick(ROOTS);
    return `${type} ${JSON.stringify({ [resourceNameField(type)]: 'a', ...message(random, type, 0) })}`;
  },
  run: (input) => {
    const space = input.indexOf(' ');
    const type = input.slice(0, Math.max(0, space));
    let json: unknown;
    try {
      json = JSON.parse(input.slice(space + 1));
    } catch {
      checkBytes(Buffer.from(input, 'latin1'));
      return;
    }
    checkJson(type, json);
  },
};

/** Bytes may be refused, but when they are taken then as a message that JSON can say. */
function checkBytes(bytes: Buffer): void {
  let value: JsonObject;
  try {
    value = decodeBinary(BINARY, bytes);
  } catch (error) {
    assert.ok(error instanceof Error, 'thrown is no error');
    return;
  }
  decodeEnvoyJson(value, { path: 'r', type: BINARY });
}
