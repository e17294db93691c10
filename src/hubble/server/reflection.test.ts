import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, test } from 'node:test';
import grpc, { type Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { createObserver } from '../observer/observer.ts';
import { createRelay } from '../relay/relay.ts';
import { serveGrpc } from './serve.ts';
import { observerServices } from './services.ts';

// The loader of @grpc/grpc-js, with a protobuf library of its own: none of what the server is made with.
const ofGrpc = createRequire(createRequire(import.meta.url).resolve('@grpc/grpc-js'));
interface Definitions {
  readonly [name: string]: grpc.ServiceDefinition;
}
interface Loader {
  readonly loadSync: (file: string, options: object) => Definitions;
  readonly loadFileDescriptorSetFromBuffer: (set: Buffer, options: object) => Definitions;
}
const loader = ofGrpc('@grpc/proto-loader') as Loader;

interface Response {
  readonly original_request?: object;
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly error_response?: { readonly error_code: number; readonly error_message: string };
  readonly all_extension_numbers_response?: object;
}

const protoFiles = path.join(import.meta.dirname, '../../model/flow/proto/grpc/reflection');
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;
const observer = createObserver({ nodeName: 'n', version: 'v1', now });
observer.push({ uuid: 'u', verdict: 2 });
const node = await serveGrpc(observerServices(observer, { list: () => [], subscribe: () => () => {} }), {
  host: '127.0.0.1',
  port: 0,
});
const relay = await createRelay({ peers: () => [], nodeName: 'r', version: 'v1', now });
const relayServing = await serveGrpc(relay.services, { host: '127.0.0.1', port: 0 });
const closing: (() => unknown)[] = [() => node.close(), () => relay.close(), () => relayServing.close()];
after(async () => {
  for (const close of closing.reverse()) await close();
});

const versions = ['v1', 'v1alpha'] as const;
const ports = { node: node.port, relay: relayServing.port };

function clientOf(definition: grpc.ServiceDefinition | undefined, port: number): Client & Record<string, unknown> {
  assert.ok(definition);
  const Constructor = grpc.makeClientConstructor(definition, 'any');
  const client = new Constructor(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  closing.push(() => client.close());
  return client as unknown as Client & Record<string, unknown>;
}

/** Asks in one stream, each question after the answer before. */
async function ask(port: number, questions: readonly object[], version: string = 'v1'): Promise<Response[]> {
  const definitions = loader.loadSync(path.join(protoFiles, version, 'reflection.proto'), { keepCase: true });
  const client = clientOf(definitions[`grpc.reflection.${version}.ServerReflection`], port);
  const open = client['ServerReflectionInfo'] as () => ClientDuplexStream<object, Response>;
  const stream = open.call(client);
  const answers: Response[] = [];
  const [first = {}, ...waiting] = questions;
  stream.write(first);
  for await (const answer of stream as AsyncIterable<Response>) {
    answers.push(answer);
    const next = waiting.shift();
    if (next) stream.write(next);
    else stream.end();
  }
  return answers;
}

/** A FileDescriptorSet of files: field 1, each with its length before it. */
function setOf(files: readonly Buffer[]): Buffer {
  const length = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...length(value >> 7)]);
  return Buffer.concat(files.flatMap((file) => [Buffer.from([10, ...length(file.length)]), file]));
}

const filesOf = (answer: Response | undefined): readonly Buffer[] =>
  answer?.file_descriptor_response?.file_descriptor_proto ?? [];

test('nodes and relay list their services, by both versions', async () => {
  for (const port of Object.values(ports)) {
    for (const version of versions) {
      const [answer] = await ask(port, [{ host: 'h', list_services: '' }], version);
      assert.deepEqual(
        answer?.list_services_response?.service.map(({ name }) => name),
        [
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
          'observer.Observer',
          'peer.Peer',
        ],
      );
    }
  }
});

test('a client made from the descriptors alone can call', async () => {
  const [answer] = await ask(ports.node, [{ file_containing_symbol: 'observer.Observer.GetFlows' }]);
  const definitions = loader.loadFileDescriptorSetFromBuffer(setOf(filesOf(answer)), {
    keepCase: true,
    enums: String,
    longs: Number,
  });
  const found = definitions['observer.Observer'];
  assert.deepEqual(Object.keys(found ?? {}), [
    'GetFlows',
    'GetAgentEvents',
    'GetDebugEvents',
    'GetNodes',
    'GetNamespaces',
    'ServerStatus',
  ]);
  assert.deepEqual(
    Object.values(found ?? {}).map(({ requestStream, responseStream }) => [requestStream, responseStream]),
    [
      [false, true],
      [false, true],
      [false, true],
      [false, false],
      [false, false],
      [false, false],
    ],
  );
  const client = clientOf(found, ports.node);
  const getFlows = client['GetFlows'] as (
    request: object,
  ) => AsyncIterable<{ flow: { uuid: string; verdict: string } }>;
  const flows: unknown[] = [];
  for await (const { flow } of getFlows.call(client, { number: 1 })) flows.push([flow.uuid, flow.verdict]);
  assert.deepEqual(flows, [['u', 'DROPPED']]);
});

test('a file comes with what it imports, and what the caller has had does not come again', async () => {
  const names = (answer: Response | undefined): string =>
    filesOf(answer)
      .map((file) => file.subarray(2, 2 + (file[1] ?? 0)).toString())
      .join(' ');
  const answers = await ask(ports.relay, [
    { file_by_filename: 'relay/relay.proto' },
    { file_containing_symbol: 'flow.Flow' },
    { file_containing_symbol: 'observer.Observer' },
    { file_containing_symbol: 'flow.DROPPED' },
  ]);
  assert.deepEqual(answers.map(names), [
    'relay/relay.proto',
    'flow/flow.proto google/protobuf/any.proto google/protobuf/timestamp.proto google/protobuf/wrappers.proto',
    'observer/observer.proto google/protobuf/field_mask.proto',
    'flow/flow.proto',
  ]);
});

test('every symbol of every service is found, and what is not there is told', async () => {
  const cases: readonly [object, string][] = [
    [{ file_containing_symbol: 'flow.FlowFilter.Experimental' }, ''],
    [{ file_containing_symbol: 'flow.Flow.uuid' }, ''],
    [{ file_containing_symbol: 'grpc.health.v1.Health.Check' }, ''],
    [{ file_containing_symbol: 'grpc.reflection.v1alpha.ServerReflection' }, ''],
    [{ file_containing_symbol: 'peer.ChangeNotification' }, ''],
    [{ all_extension_numbers_of_type: 'flow.Flow' }, ''],
    [{ file_containing_symbol: 'flow' }, '5 symbol "flow" not found'],
    [{ file_containing_symbol: '' }, '5 symbol "" not found'],
    [{ file_containing_symbol: '__proto__' }, '5 symbol "__proto__" not found'],
    [{ file_by_filename: '../../../package.json' }, '5 file "../../../package.json" not found'],
    [
      { file_containing_extension: { containing_type: 'flow.Flow', extension_number: 7 } },
      '5 extension 7 of "flow.Flow" not found',
    ],
    [{ all_extension_numbers_of_type: 'nope' }, '5 type "nope" not found'],
  ];
  const answers = await ask(
    ports.node,
    cases.map(([question]) => question),
  );
  for (const [index, [question, expected]] of cases.entries()) {
    const { error_response: error, original_request: original } = answers[index] ?? {};
    assert.equal(error ? `${error.error_code} ${error.error_message}` : '', expected, JSON.stringify(question));
    assert.ok(original);
  }
  await assert.rejects(ask(ports.node, [{ host: 'h' }]), ({ code }: ServiceError) => code === 3);
});
