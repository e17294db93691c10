import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as model from './index.ts';

const file = '/work/shared/data/hubble/wire_schema.json';
const skip = existsSync(file) ? false : `${file} is absent`;

interface Recorded {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly messages: Readonly<Record<string, { readonly fields: readonly RecordedField[] }>>;
        readonly enums: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> }>>;
      }
    >
  >;
}

interface RecordedField {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly label?: string;
}

/** From here on the numbers are of fields that only Ciliate knows. */
const ownFields = 520_000;

test('every message and enum has the numbers of the wire', { skip }, () => {
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Recorded;
  const root = model.flowSchema('flow', 'observer', 'peer', 'health');
  let fields = 0;
  for (const [name, { messages, enums }] of Object.entries(recorded.packages)) {
    for (const [message, { fields: wanted }] of Object.entries(messages)) {
      const found = root.lookupType(`${name}.${message}`).fieldsArray.filter(({ id }) => id < ownFields);
      const shape = found.map((field) => [field.name, field.id, field.type.split('.').at(-1), field.repeated]);
      const expected = wanted.map((field) => [
        field.name,
        field.number,
        field.type.split('.').at(-1),
        field.label === 'repeated',
      ]);
      assert.deepEqual(shape, expected, message);
      fields += shape.length;
    }
    for (const [type, { values }] of Object.entries(enums)) {
      assert.deepEqual({ ...root.lookupEnum(`${name}.${type}`).values }, values, type);
    }
  }
  assert.ok(fields > 300, `${fields} fields`);
});

test('constants equal the schema', () => {
  const cases: readonly [string, Readonly<Record<string, number>>, string][] = [
    ['flow.Verdict', model.Verdict, ''],
    ['flow.FlowType', model.FlowType, ''],
    ['flow.L7FlowType', model.L7FlowType, ''],
    ['flow.TrafficDirection', model.TrafficDirection, ''],
    ['flow.IPVersion', model.IpVersion, ''],
    ['flow.LostEventSource', model.LostEventSource, ''],
    ['flow.AgentEventType', model.AgentEventType, ''],
    ['peer.ChangeNotificationType', model.PeerChange, 'PEER_'],
    ['grpc.health.v1.HealthCheckResponse.ServingStatus', model.ServingStatus, ''],
  ];
  for (const [type, constants, prefix] of cases) {
    for (const [name, number] of Object.entries(constants)) {
      assert.equal(model.enumNumber(type, `${prefix}${name}`), number, `${type} ${name}`);
    }
  }
});
